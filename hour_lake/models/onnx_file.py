"""Whether an ONNX file holds all of its weights, read from its bytes without a library.

An ONNX tensor may lie in another file, which the digest of this one says nothing about.
"""

from collections.abc import Iterator

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5  # how protobuf writes a field
# Message -> number of a field -> the message in it, as onnx.proto has them: every way from a model to a tensor.
MESSAGES = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Function": {7: "Node", 11: "Attribute"},
    "Training": {1: "Graph", 2: "Graph"},
}
NAME, EXTERNAL_DATA, DATA_LOCATION = 8, 13, 14  # fields of a tensor


def external_tensors(data: bytes) -> list[str]:
    """The names of the tensors whose values lie in other files. ValueError: the bytes are no ONNX file."""
    waiting, found = [("Model", memoryview(data))], list[str]()
    while waiting:
        kind, message = waiting.pop()
        if kind == "Tensor":
            fields = dict(_fields(message))
            if EXTERNAL_DATA in fields or fields.get(DATA_LOCATION):
                found.append(_text(fields.get(NAME, b"")))
            continue
        for number, value in _fields(message):
            if number in MESSAGES[kind]:
                if isinstance(value, int):
                    raise ValueError(f"field {number} of {kind} is a number")
                waiting.append((MESSAGES[kind][number], value))
    return sorted(found)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: a number, or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind, size = key & 7, 0
        if kind == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            size, at = _varint(message, at)
        elif kind in (FIXED_32, FIXED_64):
            size = 4 if kind == FIXED_32 else 8
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + size > len(message):
            raise ValueError("it ends within a field")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("it ends within a number")
        byte, at = message[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than 64 bits")


def _text(value: int | memoryview | bytes) -> str:
    return str(value) if isinstance(value, int) else bytes(value).decode("utf-8", "replace")
