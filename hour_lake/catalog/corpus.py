"""The tables of some layers over all segments, for a layer that looks at the whole corpus."""

from collections.abc import Mapping, Sequence

from hour_lake.catalog.connect import script_of
from hour_lake.catalog.remote import connection_for
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import layer_source, quoted
from hour_lake.catalog.views import SCHEMA, as_declared
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer
from hour_lake.passes.tables import parquet_bytes


def corpus_tables(lake: Lake, commit: str, layers: Mapping[str, Layer], reads: Sequence[str]) -> dict[str, bytes]:
    """Layer -> Parquet with the rows of all segments that are there, by segment id, in a segment as they were made."""
    snapshot = Snapshot(lake, commit)
    connection = connection_for(lake)
    try:
        for statement in script_of(snapshot, layers, frozenset({*reads, "segments"})):
            connection.execute(statement)
        return {read: parquet_bytes(connection.execute(_rows_sql(layers[read])).to_arrow_table()) for read in reads}
    finally:
        connection.close()


def _rows_sql(read: Layer) -> str:
    grid = ("frame_index", "time_seconds") if read.rows == "frame" else ()
    columns = ", ".join(quoted(name) for name in ("segment_id", *grid, *read.columns))
    rows = as_declared(layer_source(read).columns, f"FROM {SCHEMA}.{quoted(read.name)}")
    return f"SELECT {columns} FROM ({rows}) SEMI JOIN segments USING (segment_id) ORDER BY segment_id, _row"
