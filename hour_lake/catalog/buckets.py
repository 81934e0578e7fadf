"""The compacted files of one table: the rows of all its segments, by video, in the order of their paths."""

import hashlib
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hour_lake.catalog.lists import apart, lists_in, together, told
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import Source
from hour_lake.lake.interface import Entry

ROWS_PER_GROUP = 50_000  # about 200 segments of 25 fps: what a query for one segment must read


@dataclass(frozen=True)
class Bucket:
    """A compacted file that something was written to since the last compaction: the rows it keeps, and newer files."""

    path: str
    is_there: bool
    stale: tuple[str, ...]
    added: tuple[Entry, ...]

    def compacted(self, snapshot: Snapshot) -> tuple[bytes, dict[str, str]]:
        """Its new bytes and metadata."""
        parts = [_kept(snapshot, self.path, self.stale)] if self.is_there else []
        parts += [_with_path(_read(snapshot, entry.path), entry.path) for entry in self.added]
        filled = [apart(part) for part in parts if len(part)] or parts[:1]  # a type that no row has says nothing
        table = _in_order(together(pa.concat_tables(_same_types(filled), promote_options="permissive")))
        return parquet_bytes(table, together="_path"), _told(table)


def changed_buckets(snapshot: Snapshot, source: Source) -> list[Bucket]:
    """Those of one table, by path."""
    files = snapshot.files(source)
    added: dict[str, list[Entry]] = defaultdict(list)
    for entry in files.added:
        added[source.bucket(entry.path)].append(entry)
    there = {entry.path for entry in files.compacted}
    touched = sorted({*added, *(source.bucket(path) for path in files.stale)})
    paths = {bucket: f"{source.tables_prefix}{bucket}.parquet" for bucket in touched}
    return [Bucket(path, path in there, files.stale, tuple(added[bucket])) for bucket, path in paths.items()]


def empty_bucket() -> tuple[bytes, dict[str, str]]:
    """A compacted file without rows, in place of one whose rows are no longer true."""
    table = pa.table({"segment_id": pa.array([], pa.string()), "_path": pa.array([], pa.string())})
    return parquet_bytes(table), _told(table)


def parquet_bytes(table: pa.Table, *, together: str | None = None) -> bytes:
    """The same bytes for the same rows; page checksums let a reader see a flipped bit.

    `together`: a sorted column; rows of one value share a row group, so that one thread sums them, in one order, and
    facts come out the same to the last bit.
    """
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", write_page_checksum=True) as writer:
        for start, stop in _groups(table, together):
            writer.write_table(table.slice(start, stop - start), row_group_size=max(1, stop - start))
    return sink.getvalue()


def _groups(table: pa.Table, together: str | None) -> list[tuple[int, int]]:
    """[start, stop) of each row group: `ROWS_PER_GROUP` rows, and then on to the end of the value they end in."""
    names = np.array(table.column(together).to_pylist()) if together else np.arange(len(table))
    ends = [*(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(table)]
    groups: list[tuple[int, int]] = []
    start = 0
    for end in ends:
        if end - start >= ROWS_PER_GROUP or end == len(table):
            groups.append((start, end))
            start = end
    return groups


def _read(snapshot: Snapshot, path: str) -> pa.Table:
    data = io.BytesIO(snapshot.lake.read(snapshot.commit_id, path))
    return _plain_lists(pq.read_table(data, page_checksum_verification=True))


def _kept(snapshot: Snapshot, path: str, stale: Sequence[str]) -> pa.Table:
    table = _read(snapshot, path)
    gone = set(stale)
    return table.filter(pa.array([row not in gone for row in table.column("_path").to_pylist()], pa.bool_()))


def _with_path(table: pa.Table, path: str) -> pa.Table:
    return table.append_column("_path", pa.array([path] * len(table), pa.string()))


def _plain_lists(table: pa.Table) -> pa.Table:
    """Fixed-length lists as lists, so that a layer may change the length."""
    for i, column in enumerate(table.schema):
        if pa.types.is_fixed_size_list(column.type):
            table = table.set_column(i, column.name, table.column(i).cast(pa.list_(column.type.value_type)))
    return table.replace_schema_metadata(None)


def _same_types(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """As DuckDB unites columns of these names: a column that was a number once and a text later is text everywhere;
    what is merely wider now stays a number, and so does what was true or false."""
    kinds: dict[str, list[pa.Field]] = defaultdict(list)
    for table in tables:
        for column in table.schema:
            if column not in kinds[column.name]:
                kinds[column.name].append(column)
    clashing = {name: any(map(_is_text, fields)) for name, fields in kinds.items() if not _unify(fields)}
    return [_cast(table, clashing) for table in tables]


def _unify(fields: Sequence[pa.Field]) -> bool:
    try:
        pa.unify_schemas([pa.schema([column]) for column in fields], promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return False
    return True


def _is_text(column: pa.Field) -> bool:
    return pa.types.is_string(_value_type(column.type))


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_list(kind) else kind


def _cast(table: pa.Table, to_text: Mapping[str, bool]) -> pa.Table:
    for i, column in enumerate(table.schema):
        if column.name in to_text:
            values = table.column(i)
            table = table.set_column(i, column.name, _text(values) if to_text[column.name] else _numbers(values))
    return table


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """By DuckDB, so that a query reads the same before and after: `1.0`, where Arrow would write `1`."""
    import duckdb

    kind = "VARCHAR[]" if pa.types.is_list(column.type) else "VARCHAR"
    with duckdb.connect(":memory:") as connection:
        connection.register("t", pa.table({"c": column}))
        return connection.execute(f"SELECT c::{kind} AS c FROM t").to_arrow_table().column("c")


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_boolean(_value_type(column.type)):
        return column
    return column.cast(pa.list_(pa.int8()) if pa.types.is_list(column.type) else pa.int8())


def _in_order(table: pa.Table) -> pa.Table:
    """By path, and within a path as it was: the order of a segment's rows is what `count_starts` counts along."""
    numbered = table.append_column("_order", pa.array(np.arange(len(table))))
    return numbered.sort_by([("_path", "ascending"), ("_order", "ascending")]).drop_columns(["_order"])


def _told(table: pa.Table) -> dict[str, str]:
    shape = hashlib.sha256(str(table.schema).encode()).hexdigest()[:16]
    return {"columns": shape, **told(lists_in(table.schema))}
