"""One transaction: stage out of sight, verify, and publish all at once."""

import hashlib
import struct
from collections.abc import Iterable
from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.commits import Stored
from hour_lake.lake.entries import object_of, packed
from hour_lake.lake.failpoints import reached
from hour_lake.lake.faults import storage_errors
from hour_lake.lake.interface import Entry, Metadata
from hour_lake.lake.metadata import canonical
from hour_lake.lake.names import check_path
from hour_lake.lake.node import Item
from hour_lake.lake.publish import Built, Intent, Store, clashing, publish, value_of
from hour_lake.lake.rewrite import Edit, rewrite
from hour_lake.lake.staging import Staged
from hour_lake.lake.tree import find


class EmbeddedTransaction:
    """Writes to one branch of the embedded lake; made by `EmbeddedLake.transaction`."""

    def __init__(self, store: Store, intent: Intent, staged: Staged) -> None:
        self.store = store
        self.intent = intent
        self.staged = staged
        self.base = store.commits.get(store.refs.head(intent.branch))
        # What each key is to become: the leaf's value and the text of the metadata, or None for a removal.
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
        """End the transaction; see `publish.publish` for what can come of it."""
        reached("transaction.ending")
        self.staged.move_in()
        reached("transaction.staged")
        self._commit_id = publish(self.store, self.intent, self._digest(), self._build)

    def _build(self, head: Stored) -> Built | None:
        edits = self._edits(head)
        return Built(rewrite(self.store.nodes, head.root, edits), [head.commit.id]) if edits else None

    def _edits(self, head: Stored) -> list[Edit]:
        """What has to change on the head, by key, its objects verified and its metadata written."""
        wanted = dict(sorted(self._wanted.items()))
        there = find(self.store.nodes, head.root, list(wanted))
        if head.commit.id != self.base.commit.id:
            self._check_rebase(head, there)
        changed = {key: new for key, new in wanted.items() if value_of(there.get(key)) != (new and new[0])}
        self._verify(new[0] for new in changed.values() if new)
        reached("publish.objects_verified")
        hints = self.store.blocks.append(new[1] for new in changed.values() if new)
        reached("publish.metadata_written")
        return [(key, new and Item(key, new[0], hints[new[1]])) for key, new in changed.items()]

    def _check_rebase(self, head: Stored, there: dict[bytes, Item]) -> None:
        """The head moved: fine for paths it left alone or changed as we do, else CONFLICT."""
        before = find(self.store.nodes, self.base.root, sorted(self._wanted))
        paths = clashing(there, before, {key: new and new[0] for key, new in self._wanted.items()})
        if paths:
            raise LakeError(
                "CONFLICT",
                f"{self.intent.branch} moved from {self.base.commit.id} to {head.commit.id} and changed "
                f"{len(paths)} of the same paths differently",
                value=", ".join(paths[:5]), where=self.intent.branch, fix="run again on what is there now",
            )  # fmt: skip

    def _verify(self, values: Iterable[bytes]) -> None:
        """Every object that is about to be named is in its place, with its size."""
        with storage_errors(self.store.objects.folder):
            for digest, size_bytes in map(object_of, values):
                if self.store.objects.size_bytes(digest) != size_bytes:
                    raise LakeError("INTEGRITY", "a staged object is gone or cut short", value=digest,
                                    where=str(self.store.objects.path(digest)), fix="run again")  # fmt: skip

    def _digest(self) -> bytes:
        """sha256 over everything staged, in path order."""
        digest = hashlib.sha256()
        for key, new in sorted(self._wanted.items()):
            value = new[0] if new else b""
            digest.update(struct.pack("<II", len(key), len(value)) + key + value)
        return digest.digest()
