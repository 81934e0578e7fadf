"""What a layer returned, held against the columns it declared: the declared types, one length, NaN or masked = missing.

A table in memory is exactly what would be read back from Parquet, so a layer gets the same values whether the table
that it reads was made a moment ago or last year.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.errors import LayerError
from hour_lake.passes.arrays import Table
from hour_lake.passes.declare import ENGINE_COLUMNS, PIXELS, Layer


@dataclass(frozen=True)
class Kind:
    """A column type: `float32`, `float32[80]` (width 80) or `list<float32>`."""

    base: str
    width: int | None = None
    is_list: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of its values in memory; text is held as objects."""
        return np.dtype(object if self.base == "string" else self.base)


@cache
def kind_of(declared: str) -> Kind:
    """`kind_of("float32[80]") == Kind("float32", 80)`."""
    if declared.startswith("list<"):
        return Kind(declared[5:-1], is_list=True)
    match = re.fullmatch(r"(\w+?)(?:\[(\d+)\])?", declared)
    assert match is not None, declared  # the decorator has checked it
    return Kind(match[1], int(match[2]) if match[2] else None)


def typed(layer: Layer, output: object, *, rows: int | None) -> Table:
    """The layer's output with exactly its declared columns and types; LAYER_OUTPUT says what is wrong with it.

    `rows`: how many there must be (the frames of a batch); None takes any number, but one for all columns. A number is
    taken where it fits without loss of meaning (int64 -> int16 in range, float64 -> float32); text for a number is not.
    """
    if not isinstance(output, Mapping):
        raise _wrong(layer, "must return a dict of column -> array", type(output).__name__)
    names = [str(name) for name in output if str(name) not in ENGINE_COLUMNS]
    _check_names(layer, names)
    if layer.rows == "segment":
        output = {name: _one_row(output[name], kind_of(layer.columns[name])) for name in names}
    table = {name: _column(layer, name, output[name]) for name in layer.columns}
    lengths = {name: len(column) for name, column in table.items()}
    wanted = 1 if layer.rows == "segment" else rows if rows is not None else next(iter(lengths.values()), 0)
    if any(length != wanted for length in lengths.values()):
        raise _wrong(layer, f"must return {wanted} rows in every column", lengths)
    return table


def taken_apart(layer: Layer, output: Any, *, frames: int) -> tuple[NDArray[np.uint8], object]:
    """The pictures of a layer with a clip, and the rest of its output; LAYER_OUTPUT when they are not as declared."""
    pixels = output.get(PIXELS) if isinstance(output, Mapping) else None
    shape = (frames, layer.clip_px, layer.clip_px, 3)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape != shape:
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise _wrong(layer, f"must return {PIXELS!r}, uint8 {shape}, for its clip", found)
    return pixels, {name: column for name, column in output.items() if name != PIXELS}


def joined(layer: Layer, parts: Sequence[Table]) -> Table:
    """The tables of consecutive batches as one."""
    if len(parts) == 1:
        return parts[0]
    return {name: _settled(_concatenated(layer, name, parts)) for name in layer.columns}


def _concatenated(layer: Layer, name: str, parts: Sequence[Table]) -> NDArray[Any]:
    kind = kind_of(layer.columns[name])
    empty = np.empty((0, kind.width) if kind.width else 0, object if kind.is_list else kind.dtype)
    arrays = [part[name] for part in parts] or [empty]
    masked = any(isinstance(array, np.ma.MaskedArray) for array in arrays)
    return np.ma.concatenate(arrays) if masked else np.concatenate(arrays)


def _check_names(layer: Layer, names: list[str]) -> None:
    missing = [name for name in layer.columns if name not in names]
    extra = [name for name in names if name not in layer.columns]
    if extra:
        near = get_close_matches(extra[0], missing or layer.columns, n=1, cutoff=0.5)
        fix = f"did you mean {near[0]!r}?" if near else f"declare it: columns={{..., {extra[0]!r}: 'float32'}}"
        raise _wrong(layer, "returned a column that it does not declare", extra[0], fix)
    if missing:
        raise _wrong(layer, "did not return a column that it declares", missing[0])


def _one_row(value: Any, kind: Kind) -> Any:
    """One number, one text, one list or one list of k stand for the one row of a segment."""
    depth = 0 if isinstance(value, str | None) else np.ndim(value) if not kind.is_list else _depth(value)
    return [value] if depth == (1 if kind.is_list or kind.width else 0) else value


def _depth(value: Any) -> int:
    return 1 + (len(value) > 0 and np.ndim(value[0]) > 0)


def _column(layer: Layer, name: str, value: Any) -> NDArray[Any]:
    kind = kind_of(layer.columns[name])
    try:
        if kind.is_list:
            rows = [_cast(np.asarray(row), kind.base) for row in value]
            if any(row.ndim != 1 for row in rows):
                raise ValueError("every row must be one list of numbers")
            column = np.empty(len(rows), object)
            column[:] = rows
            return column
        column = _cast(np.ma.asarray(value) if isinstance(value, np.ma.MaskedArray) else np.asarray(value), kind.base)
    except (ValueError, TypeError, OverflowError) as error:
        raise _wrong(layer, f"column {name!r} is not {layer.columns[name]}", str(error)) from error
    shape = "(rows,)" if kind.width is None else f"(rows, {kind.width})"
    if column.ndim != (1 if kind.width is None else 2) or (kind.width and column.shape[1] != kind.width):
        raise _wrong(layer, f"column {name!r} must have the shape {shape}", column.shape)
    return _settled(column)


def _cast(array: NDArray[Any], base: str) -> NDArray[Any]:
    if base == "string":
        return _text(array)
    target = np.dtype(base)
    if array.size == 0 and array.dtype == np.float64:  # what numpy makes of an empty list
        return np.zeros(array.shape, target)
    if target.kind == "f" and isinstance(array, np.ma.MaskedArray) and array.dtype.kind in "fiub":
        array = np.ma.filled(array.astype(np.float64), np.nan)
    if array.dtype.kind not in {"b": "b", "i": "iub", "f": "fiub"}[target.kind]:
        raise TypeError(f"its values are {array.dtype}")
    array = _settled(array)  # what is hidden under a mask need not fit
    if target.kind == "i" and array.size:
        low, high, limits = np.ma.getdata(array).min(), np.ma.getdata(array).max(), np.iinfo(target)
        if low < limits.min or high > limits.max:
            raise OverflowError(f"{low} ... {high} does not fit into {base}")
    with np.errstate(over="ignore"):
        cast = array.astype(target)
    if target.kind == "f" and not np.array_equal(np.isinf(cast), np.isinf(array)):
        raise OverflowError(f"{np.abs(array).max()} does not fit into {base}")
    return cast


def _text(array: NDArray[Any]) -> NDArray[Any]:
    values = array.filled(None) if isinstance(array, np.ma.MaskedArray) and array.dtype == object else array
    text = np.array([None if x is None else x for x in values.ravel().tolist()], dtype=object)
    if any(not isinstance(x, str | None) for x in text):
        raise TypeError(f"its values are {array.dtype}")
    return text.reshape(array.shape)


def _settled(column: NDArray[Any]) -> NDArray[Any]:
    """Masked only where something is; what is under a mask is zero."""
    if not isinstance(column, np.ma.MaskedArray):
        return column
    if not column.mask.any():
        return np.asarray(column.data)
    if column.ndim != 1:
        raise ValueError("rows of a fixed list cannot be masked")
    data = np.where(column.mask, np.zeros(1, column.dtype), column.data).astype(column.dtype)
    return np.ma.MaskedArray(data, np.ma.getmaskarray(column))


def _wrong(layer: Layer, message: str, value: object, fix: str | None = None) -> LayerError:
    return LayerError("LAYER_OUTPUT", f"{layer.name} {message}", value=value, where=layer.where, fix=fix)
