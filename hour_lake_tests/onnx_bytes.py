"""Small ONNX files, written field by field: `y = x + w` for three numbers, with `w` inside or in a file beside it."""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FLOAT, W = 1, (1.0, 2.0, 4.0)


def field(number: int, value: int | str | bytes) -> bytes:
    """One protobuf field."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def tensor(*, file: str | None = None, marked: bool = True) -> bytes:
    """The weights `w`: their values, or the name of the file that holds them; `marked`: it says that they lie there."""
    head = field(1, 3) + field(2, FLOAT) + field(8, "w")
    if file is None:
        return head + field(9, struct.pack("<3f", *W))
    return head + field(13, field(1, "location") + field(2, file)) + (field(14, 1) if marked else b"")


def adding(weights: bytes) -> bytes:
    """The graph of `y = x + w`."""
    node = field(1, "x") + field(1, "w") + field(2, "y") + field(4, "Add")
    return field(1, node) + field(2, "adds") + field(5, weights) + field(11, _value("x")) + field(12, _value("y"))


def multiplying(matrix: NDArray[np.float32]) -> bytes:
    """The graph of `y = x @ w` for a square matrix `w` and as many rows `x`."""
    sides = field(1, matrix.shape[0]) + field(1, matrix.shape[1])
    weights = sides + field(2, FLOAT) + field(8, "w") + field(9, matrix.astype("<f4").tobytes())
    node = field(1, "x") + field(1, "w") + field(2, "y") + field(4, "MatMul")
    x, y = (_value(name, *matrix.shape) for name in "xy")
    return field(1, node) + field(2, "multiplies") + field(5, weights) + field(11, x) + field(12, y)


def choosing(weights: bytes) -> bytes:
    """A graph with two branches, each of them a graph with a constant node that holds the weights."""
    constant = field(2, "v") + field(4, "Constant") + field(5, field(1, "value") + field(5, weights) + field(20, 4))
    branch = field(1, constant) + field(2, "branch") + field(12, _value("v"))
    both = b"".join(
        field(5, field(1, name) + field(6, branch) + field(20, 5)) for name in ("then_branch", "else_branch")
    )
    node = field(1, "c") + field(2, "y") + field(4, "If") + both
    condition = field(1, "c") + field(2, field(1, field(1, 9) + field(2, b"")))  # a bool without dimensions
    return field(1, node) + field(2, "chooses") + field(11, condition) + field(12, _value("y"))


def node(kind: str, inputs: Sequence[str], output: str) -> bytes:
    """One node of a graph; nodes stand in the order in which they run."""
    return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind))


def array(name: str, values: NDArray[np.floating]) -> bytes:
    """One array of weights of a graph, as float32."""
    dims = b"".join(field(1, size) for size in values.shape)
    return field(5, dims + field(2, FLOAT) + field(8, name) + field(9, values.astype("<f4").tobytes()))


def value(number: int, name: str, shape: Sequence[int]) -> bytes:
    """What goes into a graph (field 11) or comes out of it (12)."""
    dims = b"".join(field(1, field(1, size)) for size in shape)
    return field(number, field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims))))


def onnx(graph: bytes) -> bytes:
    """The file of a graph."""
    return field(1, 8) + field(2, "hand") + field(7, graph) + field(8, field(1, "") + field(2, 17))


def _value(name: str, *sides: int) -> bytes:
    shape = b"".join(field(1, field(1, side)) for side in sides or (3,))
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape)))


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
