"""The element tree of Matroska and WebM, as far as it proves that nothing is missing or altered.

    EBML header | Segment [ ... | Cluster [ CRC-32 | Timestamp | SimpleBlock | SimpleBlock ... ] | Cluster [ ... ] ]

An element is `id size payload`; a size of all ones means unknown (a live recording).
"""

import mmap
import zlib
from pathlib import Path
from typing import BinaryIO

SEGMENT, CLUSTER, CRC32 = 0x18538067, 0x1F43B675, 0xBF
# CRC-32, Void, Timestamp, SilentTracks, Position, PrevSize, SimpleBlock, BlockGroup, EncryptedBlock.
IN_CLUSTER = frozenset({0xBF, 0xEC, 0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF})
IN_SEGMENT = frozenset(
    {0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, CLUSTER, 0xEC, CRC32}
)
HEAD_BYTES = 12


def declared_bytes(file: BinaryIO, size: int) -> int:
    """Up to which byte the file should reach; its size when it does not say."""
    at = 0
    while at < size:
        file.seek(at)
        kind, start, length = _element(file.read(HEAD_BYTES), 0)
        if kind == SEGMENT and length is None:
            return _end_of_children(file, at + start, size)
        if length is None or not kind:
            return size
        at += start + length
    return max(at, size)


def _end_of_children(file: BinaryIO, at: int, size: int) -> int:
    """The same within a segment of unknown size: how far its children, as long as they have sizes, reach."""
    while at < size:
        file.seek(at)
        kind, start, length = _element(file.read(HEAD_BYTES), 0)
        if length is None or kind not in IN_SEGMENT:
            return size
        at += start + length
    return at


def damaged_clusters(path: Path) -> int:
    """How many clusters have a wrong checksum or do not consist of whole blocks; 0 for a sound file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, damaged = _segment_start(data), 0
        while at < len(data):
            kind, start, length = _element(data[at : at + HEAD_BYTES], 0)
            if kind not in IN_SEGMENT:
                return damaged + (0 if _is_trailer(data, at) else 1)
            if length is None:
                return damaged  # live: its blocks are not counted here
            if kind == CLUSTER:
                damaged += _is_damaged(data[at + start : at + start + length])
            at += start + length
    return damaged


def _is_trailer(data: mmap.mmap, at: int) -> bool:
    """Zero padding behind the last element is harmless."""
    return not data[at : at + HEAD_BYTES].strip(b"\0")


def _segment_start(data: mmap.mmap) -> int:
    at = 0
    while at < len(data):
        kind, start, length = _element(data[at : at + HEAD_BYTES], 0)
        if kind == SEGMENT or length is None:
            return at + start
        at += start + length
    return len(data)


def _is_damaged(cluster: bytes) -> bool:
    at = 0
    while at < len(cluster):
        kind, start, length = _element(cluster, at)
        if kind not in IN_CLUSTER or length is None or at + start + length > len(cluster):
            return True
        if kind == CRC32 and at == 0:
            stored = int.from_bytes(cluster[start : start + 4], "little")
            if zlib.crc32(memoryview(cluster)[start + length :]) != stored:
                return True
        at += start + length
    return False


def _element(data: bytes, at: int) -> tuple[int, int, int | None]:
    """Id, bytes of the head, bytes of the payload (None: unknown); id 0 when there is no element here."""
    kind_bytes = _width(data, at, 4)
    size_bytes = _width(data, at + kind_bytes, 8) if kind_bytes else 0
    if not size_bytes or at + kind_bytes + size_bytes > len(data):
        return 0, 1, None
    kind = int.from_bytes(data[at : at + kind_bytes], "big")
    raw = int.from_bytes(data[at + kind_bytes : at + kind_bytes + size_bytes], "big")
    mask = (1 << 7 * size_bytes) - 1
    length = raw & mask
    return kind, kind_bytes + size_bytes, None if length == mask else length


def _width(data: bytes, at: int, most: int) -> int:
    """Bytes of a variable-length integer, by the leading zeros of its first byte; 0 when there is none."""
    width = 9 - data[at].bit_length() if at < len(data) else 0
    return width if 1 <= width <= most else 0
