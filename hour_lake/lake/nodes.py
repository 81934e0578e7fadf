"""Nodes of the tree in the database: read and checked against the digest their parent holds, cached, appended."""

import json
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import NamedTuple, TypeVar

from hour_lake.errors import LakeError
from hour_lake.lake.database import Database
from hour_lake.lake.failpoints import reached
from hour_lake.lake.node import DIGEST_BYTES, Item, Node, decode, digest_of, encode, encode_alike, links

CACHED_NODES = 4096
Read = TypeVar("Read")
Links = tuple[int, list[bytes], Sequence[int]]  # level, values, hints


class Ref(NamedTuple):
    """A node: what it is, and in which row it lies."""

    digest: bytes
    row: int


EMPTY = Ref(bytes(DIGEST_BYTES), 0)


class Nodes:
    """The table `node`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cache: OrderedDict[Ref, Node] = OrderedDict()
        self._lock = Lock()

    def get(self, ref: Ref) -> Node:
        """One node; STORE_CORRUPT when it is not what its parent says."""
        return self._cached(ref) or self.get_many([ref])[0]

    def get_new(self, ref: Ref) -> Node:
        """A node of a tree that is not committed yet. It is not cached: a rollback gives its row number away again."""
        return self._read([ref])[ref]

    def get_many(self, refs: Sequence[Ref]) -> list[Node]:
        """Nodes in the order asked for, read in one go."""
        found = {ref: self._cached(ref) for ref in refs}
        missing = [ref for ref, node in found.items() if node is None]
        read = self._read(missing) if missing else {}
        with self._lock:
            self._cache.update(read)
            while len(self._cache) > CACHED_NODES:
                self._cache.popitem(last=False)
        return [found[ref] or read[ref] for ref in refs]

    def append(self, level: int, items: Sequence[Item]) -> Item:
        """Write a node; how its parent keeps it."""
        return self._append(items[-1].key, *encode(level, items))

    def append_alike(self, node: Node, items: Mapping[int, Item]) -> Item:
        """Write a node with the same keys and other values at some positions; how its parent keeps it."""
        return self._append(node.keys[-1], *encode_alike(node, items))

    def _append(self, last: bytes, body: bytes, hints: bytes) -> Item:
        row = self.database.append("INSERT INTO node (body, hints) VALUES (?, ?)", body, hints)
        reached("tree.node_written")
        return Item(last, digest_of(body), row)

    def _cached(self, ref: Ref) -> Node | None:
        with self._lock:
            node = self._cache.get(ref)
            if node is not None:
                self._cache.move_to_end(ref)
            return node

    def _read(self, refs: Sequence[Ref]) -> dict[Ref, Node]:
        return {ref: self._sound(decode, ref, *parts) for ref, parts in self._parts(refs).items()}

    def links(self, refs: Sequence[Ref]) -> list[Links]:
        """Level, values and hints of nodes, checked like all; not cached, for walks that see every node once."""
        return [self._sound(links, ref, *parts) for ref, parts in self._parts(refs).items()]

    def _parts(self, refs: Sequence[Ref]) -> dict[Ref, tuple[bytes, bytes]]:
        rows = self.database.rows(
            "SELECT id, body, hints FROM node WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps([ref.row for ref in refs]),
        )
        found = {row: (body, hints) for row, body, hints in rows}
        return {ref: found.get(ref.row, (b"", b"")) for ref in refs}

    def _sound(self, read: Callable[[bytes, bytes], Read], ref: Ref, body: object, hints: object) -> Read:
        """A damaged row may hold anything, even text or nothing; the hints have no digest, so they may not fit."""
        if isinstance(body, bytes) and isinstance(hints, bytes) and digest_of(body) == ref.digest:
            with suppress(struct.error):
                return read(body, hints)
        raise LakeError("STORE_CORRUPT", "a node of the tree is missing or altered", value=f"node {ref.row}",
                        where=str(self.database.file))  # fmt: skip
