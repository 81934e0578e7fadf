"""Facts of a few segments, straight from their small files: for gates, and for a layer tried on one clip."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hour_lake.catalog.declared import explain_facts
from hour_lake.catalog.facts import MACROS, facts_script, facts_sql
from hour_lake.catalog.fresh import Fresh, segment_row
from hour_lake.catalog.remote import connection_for
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import FLAGS, SEGMENT_COLUMNS, SEGMENTS, VIDEOS, Source, layer_source, quoted, rows_sql
from hour_lake.catalog.views import SCHEMA, manifest_script, rows_of_entries
from hour_lake.identity import Segment
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer

if TYPE_CHECKING:
    import duckdb


@contextmanager
def batch_facts(
    lake: Lake, ref: str, segments: Sequence[Segment], layers: Mapping[str, Layer]
) -> Generator["duckdb.DuckDBPyConnection"]:
    """A connection with `facts` of these segments only; the cost follows the batch, not the lake."""
    snapshot = Snapshot(lake, ref, use_tables=False)
    everything = Fresh(dict.fromkeys([*layers, "flags"]), {}, (), frozenset())
    connection = connection_for(lake)
    try:
        for statement in _script(snapshot, segments, layers, everything):
            connection.execute(statement)
        yield connection
    finally:
        connection.close()


def facts_of_table(layer: Layer, table: Mapping[str, Any], *, duration_seconds: float) -> dict[str, Any]:
    """The facts of one layer over one segment's table (column -> array, as the engine hands it on)."""
    import duckdb

    from hour_lake.passes.tables import to_arrow

    explain_facts({layer.name: layer})
    connection = duckdb.connect(":memory:")
    try:
        connection.register("table_of_layer", to_arrow(layer, "segment", table))
        one = f"SELECT 'segment' AS segment_id, {duration_seconds}::DOUBLE AS duration_seconds"
        for statement in (f"CREATE SCHEMA {SCHEMA}", *MACROS, f"CREATE TABLE {SCHEMA}.durations AS {one}"):
            connection.execute(statement)
        found = connection.execute(facts_sql(layer, "SELECT *, row_number() OVER () AS _row FROM table_of_layer"))
        row = found.fetchone()
        return dict(row[1]) if row else {}
    finally:
        connection.close()


def _script(
    snapshot: Snapshot, segments: Sequence[Segment], layers: Mapping[str, Layer], everything: Fresh
) -> Iterator[str]:
    yield f"CREATE SCHEMA {SCHEMA}"
    yield from MACROS
    for source in (*(layer_source(layer) for layer in layers.values()), FLAGS):
        paths = [] if source is FLAGS else [f"{source.prefix}{s.video_id}/{s.id}.parquet" for s in segments]
        yield f"CREATE VIEW {SCHEMA}.{quoted(source.name)} AS {_rows(snapshot, source, paths)}"
    videos = _rows(snapshot, VIDEOS, [f"{VIDEOS.prefix}{name}.parquet" for name in {s.video_id for s in segments}])
    yield f"CREATE VIEW videos AS SELECT * EXCLUDE (_row) FROM ({videos})"
    yield from manifest_script(snapshot)
    yield f"CREATE TABLE segments AS {rows_sql([_segment_row(snapshot, s) for s in segments], SEGMENT_COLUMNS)}"
    yield f"CREATE VIEW {SCHEMA}.durations AS SELECT segment_id, duration_seconds FROM segments"
    yield from facts_script(snapshot, layers, everything)


def _rows(snapshot: Snapshot, source: Source, paths: Sequence[str]) -> str:
    found = (snapshot.lake.entry(snapshot.commit_id, path) for path in sorted(paths))
    return rows_of_entries(snapshot, source, [entry for entry in found if entry is not None])


def _segment_row(snapshot: Snapshot, segment: Segment) -> dict[str, Any]:
    path = f"{SEGMENTS.prefix}{segment.video_id}/{segment.id}.mp4"
    return segment_row(segment, snapshot.lake.entry(snapshot.commit_id, path))
