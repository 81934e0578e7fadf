"""One transaction: stage out of sight, verify, and publish with a single compare-and-swap."""

import hashlib
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.commits import Commits, Stored
from hour_lake.lake.database import Database
from hour_lake.lake.entries import object_of, packed
from hour_lake.lake.interface import Entry, Fence, Metadata
from hour_lake.lake.metadata import MetadataBlocks, canonical
from hour_lake.lake.names import check_path
from hour_lake.lake.node import Item
from hour_lake.lake.nodes import Nodes
from hour_lake.lake.objects import Objects
from hour_lake.lake.refs import Refs
from hour_lake.lake.rewrite import Edit, rewrite
from hour_lake.lake.staging import Staged
from hour_lake.lake.tree import find


@dataclass(frozen=True)
class Store:
    """The parts of one embedded lake that a transaction works with."""

    database: Database
    nodes: Nodes
    blocks: MetadataBlocks
    commits: Commits
    refs: Refs
    objects: Objects


@dataclass(frozen=True)
class Intent:
    """What a transaction was opened for."""

    branch: str
    metadata: Metadata
    message: str
    attempt: str
    fence: Fence | None


UNCERTAIN = {"STORAGE_FULL", "STORAGE_IO", "STORAGE_UNAVAILABLE", "STORE_CORRUPT"}


class EmbeddedTransaction:
    """Writes to one branch of the embedded lake; made by `EmbeddedLake.transaction`."""

    def __init__(self, store: Store, intent: Intent, staged: Staged) -> None:
        self.store = store
        self.intent = intent
        self.staged = staged
        self.base = store.commits.get(store.refs.head(intent.branch))
        self._wanted: dict[bytes, tuple[bytes, bytes] | None] = {}
        self._commit_id: str | None = None

    def put(self, path: str, data: bytes | Path, metadata: Metadata | None = None) -> Entry:
        """Stage one object under a path; PATH_INVALID, STORAGE_FULL, STORAGE_IO."""
        check_path(path)
        text = canonical(metadata)
        digest, size_bytes = self.staged.add(data)
        self._wanted[path.encode()] = packed(digest, size_bytes, text), text
        return Entry(path, digest, size_bytes, dict(metadata or {}))

    def delete(self, path: str) -> None:
        """Stage the removal of a path; it need not be there."""
        check_path(path)
        self._wanted[path.encode()] = None

    @property
    def commit_id(self) -> str:
        """The commit that was published, or the head when nothing was to be changed."""
        if self._commit_id is None:
            raise ValueError("commit_id is there once the `with` block of the transaction has ended well")
        return self._commit_id

    def publish(self) -> None:
        """Landed, not landed (any other error), or COMMIT_UNKNOWN when the store cannot be asked."""
        self.staged.move_in()
        try:
            with self.store.database.writing():
                commit_id = self._swap()
        except LakeError as error:
            if error.code not in UNCERTAIN:
                raise
            commit_id = self._looked_up(error)
        self._commit_id = commit_id

    def _swap(self) -> str:
        changes = self._digest()
        landed = self.store.commits.by_attempt(self.intent.attempt)
        if landed is not None:
            return self._landed_before(landed, changes)
        head = self.store.commits.get(self.store.refs.head(self.intent.branch))
        edits = self._edits(head)
        if not edits:
            return head.commit.id
        root = rewrite(self.store.nodes, head.root, edits)
        if self.intent.fence is not None:
            self.intent.fence()
        commit_id = self.store.commits.append(
            root, [head.commit.id], branch=self.intent.branch, attempt=self.intent.attempt, changes=changes,
            message=self.intent.message, metadata=self.intent.metadata, created_ms=time.time_ns() // 1_000_000,
        )  # fmt: skip
        self.store.refs.move(self.intent.branch, before=head.commit.id, after=commit_id)
        return commit_id

    def _edits(self, head: Stored) -> list[Edit]:
        """What has to change on the head, by key, its objects verified and its metadata written."""
        keys = sorted(self._wanted)
        there = find(self.store.nodes, head.root, keys)
        if head.commit.id != self.base.commit.id:
            self._check_rebase(head, keys, there)
        changed = [key for key in keys if _value(there.get(key)) != self._value(key)]
        wanted = [(key, self._wanted[key]) for key in changed]
        self._verify([value for _, value in wanted if value is not None])
        hints = self.store.blocks.append(text for _, value in wanted if value is not None for text in value[1:])
        return [(key, value and Item(key, value[0], hints[value[1]])) for key, value in wanted]

    def _check_rebase(self, head: Stored, keys: list[bytes], there: dict[bytes, Item]) -> None:
        """The head moved: fine for paths it left alone or changed as we do, else CONFLICT."""
        before = find(self.store.nodes, self.base.root, keys)
        conflicts = [
            key.decode() for key in keys if _value(there.get(key)) not in (_value(before.get(key)), self._value(key))
        ]
        if conflicts:
            raise LakeError(
                "CONFLICT",
                f"{self.intent.branch} moved from {self.base.commit.id} to {head.commit.id} and changed "
                f"{len(conflicts)} of the same paths differently",
                value=", ".join(conflicts[:5]), where=self.intent.branch, fix="run again on what is there now",
            )  # fmt: skip

    def _verify(self, values: list[tuple[bytes, bytes]]) -> None:
        """Every object that is about to be named is in its place, with its size."""
        for value, _ in values:
            digest, size_bytes = object_of(value)
            if self.store.objects.size_bytes(digest) != size_bytes:
                raise LakeError("INTEGRITY", "a staged object is gone or cut short", value=digest,
                                where=str(self.store.objects.path(digest)), fix="run again")  # fmt: skip

    def _landed_before(self, landed: Stored, changes: bytes) -> str:
        if landed.changes != changes:
            raise LakeError("ATTEMPT_REUSED", "this attempt has published other changes before",
                            value=self.intent.attempt, where=landed.commit.id, fix="give each attempt an id")  # fmt: skip
        return landed.commit.id

    def _looked_up(self, error: LakeError) -> str:
        """Storage failed around the swap: whether it landed is asked of the store itself, on a new connection."""
        try:
            self.store.database.close()
            landed = self.store.commits.by_attempt(self.intent.attempt)
        except LakeError:
            raise LakeError("COMMIT_UNKNOWN", "the store cannot be asked whether the commit landed",
                            value=self.intent.attempt, where=self.intent.branch,
                            fix="publish again with the same attempt id once the store answers") from error  # fmt: skip
        if landed is None:
            raise error
        return landed.commit.id

    def _value(self, key: bytes) -> bytes | None:
        wanted = self._wanted[key]
        return None if wanted is None else wanted[0]

    def _digest(self) -> bytes:
        """sha256 over everything staged, in path order."""
        digest = hashlib.sha256()
        for key in sorted(self._wanted):
            value = self._value(key) or b""
            digest.update(struct.pack("<II", len(key), len(value)) + key + value)
        return digest.digest()


def _value(item: Item | None) -> bytes | None:
    return None if item is None else item.value
