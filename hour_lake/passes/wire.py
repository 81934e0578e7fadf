"""How tasks and results travel between the parent and its workers: JSON with raw bytes behind it; nothing is pickled.

A worker decodes files that strangers wrote. Should one of them take it over, all it can send is data: numbers, text,
bytes, arrays, containers of these, coded errors, and dataclasses (or pydantic models) that Hour Lake itself declares.
"""

import importlib
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from hour_lake.errors import HourLakeError, error_from

LENGTH = struct.Struct("<QQ")  # bytes of JSON, bytes of blobs
LIMIT_BYTES = 2**31


def encode(value: Any) -> bytes:
    """One message; TypeError for what cannot travel."""
    blobs: list[bytes | memoryview] = []
    text = json.dumps(_packed(value, blobs)).encode()
    body = b"".join(blobs)
    return LENGTH.pack(len(text), len(body)) + text + body


def decode(message: bytes | bytearray) -> Any:
    """The value that was encoded; ValueError when the message is not one of ours."""
    text_bytes, body_bytes = LENGTH.unpack_from(message)
    if LENGTH.size + text_bytes + body_bytes != len(message):
        raise ValueError("a message with a wrong length")
    body = memoryview(message)[LENGTH.size + text_bytes :]
    return _unpacked(json.loads(bytes(message[LENGTH.size : LENGTH.size + text_bytes])), body)


def receive(channel: socket.socket, *, seconds: float | None = None) -> bytearray:
    """The next whole message; EOFError when the other side is gone, TimeoutError after `seconds`."""
    deadline = None if seconds is None else monotonic() + seconds
    head = _exactly(channel, LENGTH.size, deadline)
    size = sum(LENGTH.unpack(head))
    if size > LIMIT_BYTES:
        raise EOFError(f"a message of {size} bytes")
    return head + _exactly(channel, size, deadline)


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytearray:
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        channel.settimeout(None if deadline is None else max(deadline - monotonic(), 0.001))
        count = channel.recv_into(view[done:])
        if count == 0:
            raise EOFError("the other side is gone")
        done += count
    return data


def name_of(function: Callable[..., Any]) -> str:
    """`module:name`, by which the other side finds a function; ValueError for one that no import can find."""
    if "<" in function.__qualname__ or function.__module__ == "__main__":
        raise ValueError(f"{function.__qualname__} is not at the top level of a module, so a worker cannot import it")
    return f"{function.__module__}:{function.__qualname__}"


def found(name: str) -> Any:
    """What `module:name` stands for."""
    module, _, path = name.partition(":")
    value: Any = importlib.import_module(module)
    for part in path.split("."):
        value = getattr(value, part)
    return value


def _packed(value: Any, blobs: list[bytes | memoryview]) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int() | float():
            return value + 0  # a plain number, also of an enumeration
        case bytes() | bytearray():
            blobs.append(bytes(value))
            return {"bytes": len(value)}
        case list():
            return [_packed(item, blobs) for item in value]
        case tuple():
            return {"tuple": [_packed(item, blobs) for item in value]}
        case dict():
            return {"dict": [[_packed(key, blobs), _packed(item, blobs)] for key, item in value.items()]}
        case Path():
            return {"path": str(value)}
        case HourLakeError():
            return {"error": value.as_dict()}
        case _:
            return _packed_object(value, blobs)


def _packed_object(value: Any, blobs: list[bytes | memoryview]) -> Any:
    kind: Any = type(value)
    if is_dataclass(value):
        content = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        return {"class": name_of(kind), "fields": _packed(content, blobs)}
    if hasattr(value, "model_dump"):
        return {"class": name_of(kind), "fields": _packed(value.model_dump(), blobs)}
    if kind.__module__ == "numpy" and not value.dtype.hasobject:
        if kind.__name__ != "ndarray":
            return value.item()
        blobs.append(value.tobytes())
        return {"array": value.dtype.str, "shape": list(value.shape), "bytes": value.nbytes}
    raise TypeError(f"a {kind.__name__} cannot travel between processes")


def _unpacked(value: Any, body: memoryview) -> Any:
    return _Unpacking(body).of(value)


class _Unpacking:
    def __init__(self, body: memoryview) -> None:
        self.body, self.at = body, 0

    def of(self, value: Any) -> Any:
        match value:
            case list():
                return [self.of(item) for item in value]
            case {"tuple": items}:
                return tuple(self.of(item) for item in items)
            case {"dict": pairs}:
                return {self.of(key): self.of(item) for key, item in pairs}
            case {"path": text}:
                return Path(text)
            case {"error": content}:
                return error_from(content)
            case {"class": name, "fields": content}:
                return _made(name, self.of(content))
            case {"array": dtype, "shape": shape, "bytes": size}:
                import numpy as np

                return np.frombuffer(self.taken(size), np.dtype(dtype)).reshape(shape).copy()
            case {"bytes": size}:
                return bytes(self.taken(size))
            case dict():
                raise ValueError(f"an unknown kind of value: {sorted(value)}")
            case _:
                return value

    def taken(self, size: int) -> memoryview:
        self.at += size
        return self.body[self.at - size : self.at]


def _made(name: str, content: dict[str, Any]) -> Any:
    if not name.startswith("hour_lake"):
        raise ValueError(f"{name} is not ours")
    kind = found(name)
    if not isinstance(kind, type) or not (is_dataclass(kind) or hasattr(kind, "model_validate")):
        raise ValueError(f"{name} is not a dataclass")
    return kind(**content)
