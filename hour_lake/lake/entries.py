"""An entry as a leaf keeps it: object digest 32 bytes, size 6, digest of the metadata 16; and back."""

from collections.abc import Iterable, Iterator
from itertools import islice

from hour_lake.lake.interface import Entry
from hour_lake.lake.metadata import KEPT_DIGEST_BYTES, MetadataBlocks, kept_digest
from hour_lake.lake.node import Item

SIZE_BYTES = 6
METADATA_AT = 32 + SIZE_BYTES
AT_ONCE = 256


def packed(digest: str, size_bytes: int, text: bytes) -> bytes:
    """The value of a leaf item, for an object and the canonical text of its metadata."""
    return bytes.fromhex(digest) + size_bytes.to_bytes(SIZE_BYTES, "little") + kept_digest(text)


def object_of(value: bytes) -> tuple[str, int]:
    """Digest and size of the object in a leaf item's value."""
    return value[:32].hex(), int.from_bytes(value[32:METADATA_AT], "little")


def unpacked(blocks: MetadataBlocks, items: Iterable[Item]) -> Iterator[Entry]:
    """Entries of leaf items, in the same order; their metadata is read many at a time."""
    rest = iter(items)
    while batch := list(islice(rest, AT_ONCE)):
        wanted = [(item.hint, item.value[METADATA_AT : METADATA_AT + KEPT_DIGEST_BYTES]) for item in batch]
        for item, metadata in zip(batch, blocks.get_many(wanted), strict=True):
            yield Entry(item.key.decode(), *object_of(item.value), metadata)
