"""One node of the tree as bytes: sorted keys, a fixed-width value each, and hints where to find what they name.

The body is what a node's digest covers. Hints (row numbers) are kept beside it: they say where things lie in this
database, not what they are, so the same entries have the same digest in every lake.

    body   level u8 | count u32 | shared prefix u8 x n | shared suffix u8 x n | rest length u16 x n | rests | values
    hints  u32 x n, or u64 x n when one needs it

    layers/blink/bob/bob_00000000_00003000.parquet
    layers/blink/bob/bob_00003000_00009000.parquet      shares 25 bytes before and 11 after; the rest is "3000_00009"
"""

import hashlib
import struct
from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

HEADER = struct.Struct("<BI")
DIGEST_BYTES = 32
LEAF_VALUE_BYTES = 54  # object digest 32 | size 6 | digest of the metadata 16
SHARED_LIMIT = 255
BRANCHING_BITS = 3  # a node ends at a key with probability 1/8; the node around a random key holds about 16


class Item(NamedTuple):
    """A key with its value and hint: an entry in a leaf, else a child node under its last key."""

    key: bytes
    value: bytes
    hint: int


class Node(NamedTuple):
    """A decoded node; `keys` ascend, and `values` and `hints` go with them. `head` is the body up to the values."""

    level: int
    keys: list[bytes]
    values: list[bytes]
    hints: Sequence[int]
    head: bytes

    def items(self) -> list[Item]:
        """All items in key order."""
        return [Item(*parts) for parts in zip(self.keys, self.values, self.hints, strict=True)]


def height(key: bytes) -> int:
    """How many levels of nodes end at this key. Only the key decides, so the same keys always make the same nodes."""
    bits = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") | 1 << 63
    return ((bits & -bits).bit_length() - 1) // BRANCHING_BITS


def digest_of(body: bytes) -> bytes:
    """What a parent keeps of a node."""
    return hashlib.sha256(body).digest()


def encode(level: int, items: Sequence[Item]) -> tuple[bytes, bytes]:
    """Body and hints of a node."""
    prefixes, suffixes = bytearray(), bytearray()
    lengths, rests = array("H"), list[bytes]()
    before = b""
    for key, _, _ in items:
        prefix, suffix = shared(before, key)
        prefixes.append(prefix)
        suffixes.append(suffix)
        rests.append(key[prefix : len(key) - suffix])
        lengths.append(len(rests[-1]))
        before = key
    values = [value for _, value, _ in items]
    body = b"".join((HEADER.pack(level, len(items)), prefixes, suffixes, _little(lengths), *rests, *values))
    return body, _packed([hint for _, _, hint in items])


def encode_alike(node: Node, items: Mapping[int, Item]) -> tuple[bytes, bytes]:
    """Body and hints of a node with the same keys, and other values and hints at some positions."""
    values, hints = node.values.copy(), list(node.hints)
    for position, item in items.items():
        values[position], hints[position] = item.value, item.hint
    return node.head + b"".join(values), _packed(hints)


def decode(body: bytes, hints: bytes) -> Node:
    """The node that `encode` wrote."""
    level, count = HEADER.unpack_from(body)
    first, second, third = (HEADER.size + n * count for n in (0, 1, 2))
    prefixes, suffixes = body[first:second], body[second:third]
    position = third + 2 * count
    keys: list[bytes] = []
    before = b""
    for prefix, suffix, length in zip(prefixes, suffixes, struct.unpack_from(f"<{count}H", body, third), strict=True):
        rest = body[position : position + length]
        before = before[:prefix] + rest + before[len(before) - suffix :]
        keys.append(before)
        position += length
    width = DIGEST_BYTES if level else LEAF_VALUE_BYTES
    values = [body[at : at + width] for at in range(position, position + count * width, width)]
    return Node(level, keys, values, _hints(count, hints), body[:position])


def links(body: bytes, hints: bytes) -> tuple[int, list[bytes], Sequence[int]]:
    """Level, values and hints of a node; its keys, which cost most to read, are left alone."""
    level, count = HEADER.unpack_from(body)
    width = DIGEST_BYTES if level else LEAF_VALUE_BYTES
    values = [body[at : at + width] for at in range(len(body) - count * width, len(body), width)]
    return level, values, _hints(count, hints)


def _packed(hints: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(hints)}{'I' if max(hints) < 1 << 32 else 'Q'}", *hints)


def _hints(count: int, hints: bytes) -> Sequence[int]:
    return struct.unpack(f"<{count}{'I' if len(hints) == 4 * count else 'Q'}", hints)


def shared(before: bytes, key: bytes) -> tuple[int, int]:
    """Lengths of the common start and of the common end (of what is left) of two keys, at most 255 each.

    Compared as whole numbers: the highest and the lowest byte that differ are where the commons end.
    """
    size = min(len(before), len(key))
    heads = int.from_bytes(before[:size], "big") ^ int.from_bytes(key[:size], "big")
    tails = heads
    if len(before) != len(key):
        tails = int.from_bytes(before[len(before) - size :], "big") ^ int.from_bytes(key[len(key) - size :], "big")
    prefix = min(size - (heads.bit_length() + 7) // 8, SHARED_LIMIT)
    equal = ((tails & -tails).bit_length() - 1) // 8 if tails else size
    return prefix, min(equal, size - prefix, SHARED_LIMIT)


def _little(numbers: "array[int]") -> bytes:
    return struct.pack(f"<{len(numbers)}{numbers.typecode}", *numbers)
