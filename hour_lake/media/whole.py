"""Whether a file reaches as far as it says; decoders are silent about a missing end, so its own sizes are asked."""

import struct
from pathlib import Path
from typing import BinaryIO

from hour_lake.errors import MediaError
from hour_lake.media.matroska import declared_bytes
from hour_lake.media.sniff import HEAD_BYTES, ts_packet_bytes

RIFF_UNFINISHED = (0, 0xFFFFFFFF)


def check_whole(path: Path, container: str) -> None:
    """TRUNCATED when the container's own sizes prove that bytes are missing at the end.

    A container without sizes (a live recording) passes here; the counts of `scan` have to prove it.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        problem = CHECKS[container](file, size)
    if problem:
        raise MediaError(
            "TRUNCATED", problem, value=f"{size} bytes", where=str(path), fix="copy or record it again, whole"
        )


def _mov(file: BinaryIO, size: int) -> str | None:
    """Boxes, one after the other: `size32 type [size64] payload`; size 1 means size64 follows, 0 means to the end."""
    at, kinds = 0, set[bytes]()
    while size - at >= 8:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if not length:
            length = size - at
        if length < 8 or not kind.isascii():
            break  # padding or an appended tag behind the last box
        kinds.add(kind)
        at += length
        if at > size:
            return f"its part {kind.decode('ascii')!r} should reach to byte {at}"
    if b"moov" not in kinds:
        return "the index (moov) that is written last is missing"
    return None


def _avi(file: BinaryIO, size: int) -> str | None:
    at = 0
    while size - at >= 12:
        file.seek(at)
        magic, length = struct.unpack("<4sI", file.read(8))
        if magic != b"RIFF":
            break
        if length in RIFF_UNFINISHED:
            return "the recording was never finished"
        at += 8 + length + length % 2
        if at > size + 1:  # the last pad byte may be missing
            return f"it should reach to byte {at}"
    return None


def _mpegts(file: BinaryIO, size: int) -> str | None:
    packet = ts_packet_bytes(file.read(HEAD_BYTES)) or size
    return f"its last packet has {size % packet} of {packet} bytes" if size % packet else None


def _matroska(file: BinaryIO, size: int) -> str | None:
    declared = declared_bytes(file, size)
    return f"it should reach to byte {declared}" if declared > size else None


CHECKS = {"mov": _mov, "avi": _avi, "mpegts": _mpegts, "matroska": _matroska}
