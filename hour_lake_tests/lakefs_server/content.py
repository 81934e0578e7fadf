"""An object's bytes as an answer: whole or a range of them."""

import re
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from pathlib import Path

from starlette.responses import Response, StreamingResponse

CHUNK_BYTES = 256 << 10
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Unsatisfiable(Exception):
    """A range that begins beyond the object; `size_bytes` is the object's."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the object has {size_bytes} bytes")
        self.size_bytes = size_bytes


def content(
    file: Path | None, *, method: str, wanted: str | None, headers: Mapping[str, str], media_type: str, size_bytes: int
) -> Response:
    """200, 206 for the range `wanted` (a Range header), or only the headers of either; Unsatisfiable."""
    span = span_of(wanted, size_bytes)
    start, stop = span or (0, size_bytes)
    all_headers = {"Accept-Ranges": "bytes", "Content-Length": str(stop - start), **headers}
    if span is not None:
        all_headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size_bytes}"
    status = 200 if span is None else 206
    if method == "HEAD" or file is None:
        return Response(status_code=status, headers=all_headers, media_type=media_type)
    return StreamingResponse(_chunks(file, start, stop), status, all_headers, media_type)


def span_of(wanted: str | None, size_bytes: int) -> tuple[int, int] | None:
    """`[start, stop)` of a Range header; None for the whole, also where the header is no single range (RFC 9110)."""
    parts = RANGE.fullmatch(wanted.strip()) if wanted else None
    if parts is None or parts[1] == parts[2] == "":
        return None
    if parts[1] == "":
        start, stop = max(0, size_bytes - int(parts[2])), size_bytes
    else:
        start, stop = int(parts[1]), min(size_bytes, int(parts[2]) + 1 if parts[2] else size_bytes)
    if start >= size_bytes:
        raise Unsatisfiable(size_bytes)
    return (start, stop) if start < stop else None


def http_date(seconds: int) -> str:
    """As `Last-Modified` wants it."""
    return formatdate(seconds, usegmt=True)


def _chunks(file: Path, start: int, stop: int) -> Iterator[bytes]:
    with file.open("rb") as reader:
        reader.seek(start)
        while start < stop:
            chunk = reader.read(min(CHUNK_BYTES, stop - start))
            if not chunk:
                return
            start += len(chunk)
            yield chunk
