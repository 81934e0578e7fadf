"""The rows of a manifest as an Arrow table: our columns first, then every column that came with them."""

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from hour_lake.manifests.row import Row

NUMERAL = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")
OURS = [
    ("video_id", pa.string()), ("raw_id", pa.string()), ("source", pa.string()), ("sha256", pa.string()),
    ("licence", pa.string()), ("consent", pa.string()), ("speaker", pa.string()), ("start_seconds", pa.float64()),
    ("stop_seconds", pa.float64()), ("line", pa.int64()),
]  # fmt: skip


def manifest_table(rows: Sequence[Row]) -> pa.Table:
    """One row a video. Columns of text that hold nothing but numbers become numbers, so that SQL can compare them."""
    columns = {name: pa.array([getattr(row, name) for row in rows], kind) for name, kind in OURS}
    extras = list(dict.fromkeys(name for row in rows for name in row.extra))
    for name in extras:
        columns[name] = _column([row.extra.get(name) for row in rows])
    return pa.table(columns)


def _column(values: list[Any]) -> pa.Array:
    for convert in (_as_integers, _as_numbers, pa.array):
        try:
            return convert(values)
        except (ValueError, TypeError, pa.ArrowException):
            continue
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _as_integers(values: list[Any]) -> pa.Array:
    return pa.array([None if text is None else int(text) for text in _numerals(values)], pa.int64())


def _as_numbers(values: list[Any]) -> pa.Array:
    return pa.array([None if text is None else float(text) for text in _numerals(values)], pa.float64())


def _numerals(values: list[Any]) -> list[str | None]:
    """The texts, if all of them are plain numbers: 007 is a name, nan is a word."""
    if not any(values) or not all(
        value is None or (isinstance(value, str) and NUMERAL.fullmatch(value)) for value in values
    ):
        raise ValueError("not texts that are numbers")
    return values
