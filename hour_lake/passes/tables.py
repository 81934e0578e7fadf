"""A layer's table as Parquet and back: typed columns, page checksums, the same bytes for the same values."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hour_lake.errors import LakeError
from hour_lake.passes.arrays import Table
from hour_lake.passes.columns import Kind, kind_of
from hour_lake.passes.declare import Layer

# Measured on 15 s of 478 moving points: 1.29 MB at any zstd level, 0.97 MB with the bytes of floats split; 7 ms.
COMPRESSION_LEVEL = 3


def schema_of(layer: Layer) -> pa.Schema:
    """The Arrow schema of its files: `segment_id`, with a row a frame `frame_index` and `time_seconds`, its columns."""
    fields = [pa.field("segment_id", pa.string(), nullable=False)]
    if layer.rows == "frame":
        fields += [pa.field("frame_index", pa.int32(), nullable=False)]
        fields += [pa.field("time_seconds", pa.float64(), nullable=False)]
    return pa.schema(fields + [pa.field(name, arrow_type(kind)) for name, kind in layer.columns.items()])


def arrow_type(declared: str) -> pa.DataType:
    """`arrow_type("float32[80]")` is a fixed-size list of 80 float32."""
    kind = kind_of(declared)
    value = pa.string() if kind.base == "string" else pa.from_numpy_dtype(kind.dtype)
    if kind.is_list:
        return pa.list_(value)
    return pa.list_(value, kind.width) if kind.width else value


def to_arrow(layer: Layer, segment_id: str, table: Table) -> pa.Table:
    """The table of one segment for Arrow and DuckDB; NaN and masked values become NULL."""
    schema = schema_of(layer)
    rows = len(next(iter(table.values())))
    arrays = [pa.repeat(pa.scalar(segment_id), rows)]
    if layer.rows == "frame":
        arrays += [pa.array(table["frame_index"], pa.int32()), pa.array(table["time_seconds"], pa.float64())]
    arrays += [_to_arrow(table[name], kind_of(declared)) for name, declared in layer.columns.items()]
    return pa.Table.from_arrays(arrays, schema=schema)


def to_parquet(layer: Layer, segment_id: str, table: Table) -> bytes:
    """The file of one segment. `table` has been through `typed`; frame tables also hold the engine's two columns."""
    return parquet_bytes(to_arrow(layer, segment_id, table))


def parquet_bytes(table: pa.Table) -> bytes:
    """Any Arrow table as Parquet with page checksums; the same table gives the same bytes."""
    sink = io.BytesIO()
    text: Any = [field.name for field in table.schema if field.type == pa.string()]
    floats: Any = [path for field in table.schema for path in _float_paths(field)]
    pq.write_table(table, sink, compression="zstd", compression_level=COMPRESSION_LEVEL, write_page_checksum=True,
                   use_dictionary=text, use_byte_stream_split=floats)  # fmt: skip
    return sink.getvalue()


def _float_paths(field: pa.Field) -> list[str]:
    nested = pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type)
    value = field.type.value_type if nested else field.type
    return [f"{field.name}.list.element" if nested else field.name] if pa.types.is_floating(value) else []


def from_parquet(source: bytes | Path | str) -> Table:
    """Column -> array as `typed` gives them, without `segment_id`; INTEGRITY when a byte is not what was written."""
    try:
        file = pq.ParquetFile(
            pa.BufferReader(source) if isinstance(source, bytes) else source, page_checksum_verification=True
        )
        table = file.read(use_threads=False)
    except (OSError, pa.ArrowInvalid) as error:
        where = "bytes" if isinstance(source, bytes) else str(source)
        raise LakeError("INTEGRITY", "a layer's table cannot be read", value=str(error), where=where,
                        fix="run the layer again with `refresh`") from error  # fmt: skip
    return {name: _from_arrow(table.column(name)) for name in table.column_names if name != "segment_id"}


def _to_arrow(column: NDArray[Any], kind: Kind) -> pa.Array:
    value = pa.string() if kind.base == "string" else pa.from_numpy_dtype(kind.dtype)
    if kind.is_list:
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in column])]).astype(np.int32)
        flat = np.concatenate([*column, np.empty(0, kind.dtype)])
        return pa.ListArray.from_arrays(offsets, pa.array(flat, value, from_pandas=True))
    if kind.width:
        flat = pa.array(np.ascontiguousarray(column).ravel(), value, from_pandas=True)
        missing = np.isnan(column).all(axis=1) if kind.base.startswith("float") else np.zeros(len(column), bool)
        return pa.FixedSizeListArray.from_arrays(flat, kind.width, mask=pa.array(missing))
    if isinstance(column, np.ma.MaskedArray):
        return pa.array(column.data, value, mask=np.ma.getmaskarray(column))
    return pa.array(column, value, from_pandas=True)


def _from_arrow(column: pa.ChunkedArray) -> NDArray[Any]:
    array = column.combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_fixed_size_list(array.type):
        width = array.type.list_size
        flat = _scalars(array.values.slice(array.offset * width, len(array) * width))
        rows = flat.reshape(len(array), width).copy()
        if array.null_count:
            rows[np.asarray(array.is_null())] = np.nan
        return rows
    if pa.types.is_list(array.type):
        offsets = np.asarray(array.offsets)
        flat = _scalars(array.values)
        rows = np.empty(len(array), object)
        rows[:] = [flat[start:stop].copy() for start, stop in zip(offsets, offsets[1:], strict=False)]
        return rows
    return _scalars(array)


def _scalars(array: pa.Array) -> NDArray[Any]:
    if pa.types.is_string(array.type):
        return np.array(array.to_pylist(), dtype=object)
    if array.null_count and not pa.types.is_floating(array.type):
        missing = np.asarray(array.is_null())
        filled = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
        return np.ma.MaskedArray(filled.to_numpy(zero_copy_only=False), missing)
    return array.to_numpy(zero_copy_only=False)
