"""Content on its way in, wherever it comes from."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Incoming:
    """Bytes in chunks. `ends_by_itself` is False where nothing tells a whole content from a connection that was cut."""

    chunks: Iterator[bytes]
    size_bytes: int | None
    ends_by_itself: bool = True
