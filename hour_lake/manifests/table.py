"""The rows of a manifest as an Arrow table: our columns first, then every column that came with them."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from hour_lake.manifests.read import Manifest

OURS = [
    ("video_id", pa.string()), ("raw_id", pa.string()), ("source", pa.string()), ("sha256", pa.string()),
    ("licence", pa.string()), ("consent", pa.string()), ("speaker", pa.string()), ("start_seconds", pa.float64()),
    ("stop_seconds", pa.float64()), ("line", pa.int64()),
]  # fmt: skip


def manifest_table(manifest: Manifest) -> pa.Table:
    """One row a video. Other columns keep the type they came in; of JSON, where values differ in type, as JSON text."""
    columns = {name: pa.array([getattr(row, name) for row in manifest.rows], kind) for name, kind in OURS}
    for name, kind in manifest.extras.items():
        columns[name] = _column([row.extra.get(name) for row in manifest.rows], kind)
    return pa.table(columns)


def _column(values: Sequence[Any], kind: pa.DataType | None) -> pa.Array:
    if kind is not None:
        return pa.array(values, kind)
    try:
        column = pa.array(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return _as_text(values)
    return column if _is_whole(column.type) else _as_text(values)


def _is_whole(kind: pa.DataType) -> bool:
    """Whether Parquet and SQL can hold a type: not "null" and no structure without fields, anywhere inside."""
    if pa.types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_whole(field.type) for field in kind)
    if pa.types.is_list(kind):
        return _is_whole(kind.value_type)
    return not pa.types.is_null(kind)


def _as_text(values: Sequence[Any]) -> pa.Array:
    texts = [
        value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        for value in values
    ]
    return pa.array(texts, pa.string())
