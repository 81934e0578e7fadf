"""Records of a Parquet file, its page checksums verified, read in small batches so that a bomb unpacks to little."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hour_lake.errors import ManifestError
from hour_lake.manifests.records import Records, check_bytes, check_columns, check_rows
from hour_lake.settings import Limits

BATCH_ROWS = 256


def parquet_records(data: bytes, file: str, limits: Limits) -> Records:
    """Records with the types that the file declares; MANIFEST_CORRUPT, MANIFEST_SCHEMA, MANIFEST_LIMIT."""
    found = Records(file, limits, unit="row")
    try:
        _read(data, found)
    # The format's readers answer damage with errors of many kinds; a time zone that no one knows is a KeyError.
    except (OSError, pa.ArrowException, ValueError, OverflowError, KeyError) as error:
        raise ManifestError("MANIFEST_CORRUPT", "the Parquet file cannot be read", value=str(error), where=file,
                            fix="write it again") from error  # fmt: skip
    return found


def _read(data: bytes, found: Records) -> None:
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as parquet:
        schema = parquet.schema_arrow
        check_rows(parquet.metadata.num_rows, found.limits, found.file)
        check_columns(len(schema.names), found.file)
        if len(set(schema.names)) < len(schema.names):
            raise ManifestError("MANIFEST_SCHEMA", "two columns have the same name", value=", ".join(schema.names),
                                where=found.file, fix="rename one")  # fmt: skip
        found.columns = {field.name: _plain(field.type) for field in schema}
        unpacked = 0
        for batch in parquet.iter_batches(BATCH_ROWS, use_threads=False):
            unpacked += batch.nbytes
            check_bytes(unpacked, found.limits, found.file)
            columns = {name: _values(batch.column(name), found.columns[name]) for name in found.columns}
            for values in zip(*columns.values(), strict=True):
                found.take(len(found.records) + 1, dict(zip(columns, values, strict=True)))


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type to keep: what every reader of SQL knows. Python's times end at microseconds."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return pa.time64("us")
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    return kind


def _values(column: pa.Array, kind: pa.DataType | None) -> list[Any]:
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if column.type != kind:
        column = pc.cast(column, kind, safe=False)
    return column.to_pylist()
