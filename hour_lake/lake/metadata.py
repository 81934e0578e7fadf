"""What was said about entries, kept apart from the tree: blocks of some dozens, compressed together, never rewritten.

A leaf keeps 16 bytes of the sha256 of an entry's metadata and, as a hint, block x 65,536 + position. So a commit that
touches 500 leaves rewrites 500 small leaves, and appends what it has to say in a few blocks.
"""

import hashlib
import json
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from hour_lake.errors import LakeError
from hour_lake.lake.database import Database
from hour_lake.lake.failpoints import reached

BLOCK_TEXTS = 32
CACHED_BLOCKS = 256
KEPT_DIGEST_BYTES = 16
NOTHING = b"{}"


def canonical(metadata: Mapping[str, str] | None) -> bytes:
    """One spelling for one meaning: JSON with sorted keys, without blanks; ValueError unless all is text."""
    return json.dumps(texts_of(metadata), sort_keys=True, separators=(",", ":")).encode() if metadata else NOTHING


def texts_of(metadata: Mapping[str, str]) -> dict[str, str]:
    """A copy; ValueError unless it maps text to text, since whoever reads it relies on that."""
    if not all(isinstance(text, str) for pair in metadata.items() for text in pair):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"metadata must map text to text: {dict(metadata)!r}")
    return dict(metadata)


def kept_digest(text: bytes) -> bytes:
    """What a leaf keeps of one metadata text."""
    return hashlib.sha256(text).digest()[:KEPT_DIGEST_BYTES]


class MetadataBlocks:
    """The table `metadata`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cache: OrderedDict[int, list[bytes]] = OrderedDict()
        self._lock = Lock()

    def append(self, texts: Iterable[bytes]) -> dict[bytes, int]:
        """Write texts, each once; the hint of each."""
        unique = [text for text in dict.fromkeys(texts) if text != NOTHING]
        hints = {NOTHING: 0}
        for start in range(0, len(unique), BLOCK_TEXTS):
            block = unique[start : start + BLOCK_TEXTS]
            packed = zlib.compress(b"\n".join(block))
            row = self.database.append("INSERT INTO metadata (body) VALUES (?)", packed)
            reached("metadata.block_written")
            hints |= {text: (row << 16) + position for position, text in enumerate(block)}
        return hints

    def get_many(self, wanted: Sequence[tuple[int, bytes]]) -> list[dict[str, str]]:
        """Metadata for pairs of hint and digest; STORE_CORRUPT when one is not what its leaf says."""
        blocks = self._blocks({hint >> 16 for hint, _ in wanted if hint})
        texts = [self._text(blocks, hint, digest) for hint, digest in wanted]
        return json.loads(b"[%b]" % b",".join(texts))  # one call for all of them: it costs more than what it reads

    def damaged(self, wanted: Sequence[tuple[int, bytes]]) -> set[tuple[int, bytes]]:
        """Those pairs that `get_many` would refuse."""
        blocks = self._blocks({hint >> 16 for hint, _ in wanted if hint})
        return {(hint, digest) for hint, digest in wanted if kept_digest(_at(blocks, hint)) != digest}

    def _text(self, blocks: Mapping[int, list[bytes]], hint: int, digest: bytes) -> bytes:
        text = _at(blocks, hint)
        if kept_digest(text) != digest:
            raise LakeError("STORE_CORRUPT", "an entry's metadata is missing or altered", value=f"block {hint >> 16}",
                            where=str(self.database.file))  # fmt: skip
        return text

    def _blocks(self, rows: set[int]) -> dict[int, list[bytes]]:
        with self._lock:
            found = {row: self._cache[row] for row in rows if row in self._cache}
        missing = sorted(rows - found.keys())
        if missing:
            statement = "SELECT id, body FROM metadata WHERE id IN (SELECT value FROM json_each(?))"
            read = {row: _unpacked(body) for row, body in self.database.rows(statement, json.dumps(missing))}
            found |= read
            with self._lock:
                self._cache.update(read)
                while len(self._cache) > CACHED_BLOCKS:
                    self._cache.popitem(last=False)
        return found


def _unpacked(body: object) -> list[bytes]:
    """The texts of a block; none of a damaged one, so that whoever wants one sees that it is not there."""
    try:
        return zlib.decompress(body).split(b"\n") if isinstance(body, bytes) else []
    except zlib.error:
        return []


def _at(blocks: Mapping[int, list[bytes]], hint: int) -> bytes:
    """The text that a hint leads to; empty, which is no text, where there is none."""
    if not hint:
        return NOTHING
    block, position = blocks.get(hint >> 16, []), hint & 0xFFFF
    return block[position] if position < len(block) else b""
