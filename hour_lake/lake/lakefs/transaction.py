"""One transaction: stage out of sight, verify, and publish all at once."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Entry, Metadata
from hour_lake.lake.lakefs.changes import changed_paths
from hour_lake.lake.lakefs.entries import alike
from hour_lake.lake.lakefs.publish import Intent, Proposal, Store, publish
from hour_lake.lake.lakefs.rebase import Staged
from hour_lake.lake.lakefs.uploads import Uploads
from hour_lake.lake.names import check_path


class LakefsTransaction:
    """Writes to one branch; made by `LakefsLake.transaction`."""

    def __init__(self, store: Store, intent: Intent, uploads: Uploads, staged: Staged) -> None:
        self.store = store
        self.intent = intent
        self.uploads = uploads
        self.staged = staged
        self.base = staged.base
        self._wanted: dict[str, Entry | None] = {}
        self._commit_id: str | None = None

    def put(self, path: str, data: bytes | Path, metadata: Metadata | None = None) -> Entry:
        """Stage one object under a path; PATH_INVALID, and what an upload of an earlier one met."""
        check_path(path)
        entry = self._wanted[path] = self.uploads.add(path, data, metadata)
        return entry

    def delete(self, path: str) -> None:
        """Stage the removal of a path; it need not be there."""
        check_path(path)
        self._wanted[path] = None

    @property
    def commit_id(self) -> str:
        """The commit that was published, or the head when nothing was to be changed."""
        if self._commit_id is None:
            raise ValueError("commit_id is there once the `with` block of the transaction has ended well")
        return self._commit_id

    def publish(self) -> None:
        """End the transaction; see `publish.publish` for what can come of it."""
        self.uploads.finish()
        self._wanted = dict(sorted(self._wanted.items()))
        self._commit_id = publish(self.store, self.intent, digest_of(self._wanted), self._propose)

    def _propose(self, head: str) -> Proposal | str:
        there = self._checked(head)
        changed = {path: new for path, new in self._wanted.items() if not alike(there[path], new)}
        if not changed:
            return head
        if self.staged.tip == self.base:
            self._commit()
        if self.staged.base != head:
            self.staged.take_in(head)
            self.staged.base = head
        self.staged.check(head, self._wanted)
        return Proposal(self.staged.tip, self._wanted, squash=True, tree=self.staged.tip)

    def _commit(self) -> None:
        """What is removed must be there: on the base, or on the staging branch because it was put before."""
        known, sent = self.uploads.known, self.uploads.sent
        removed = [path for path, new in self._wanted.items() if new is None and (path in sent or known.get(path))]
        self.staged.delete(removed)
        self.staged.commit()

    def _checked(self, head: str) -> Mapping[str, Entry | None]:
        """What the head has at our paths. It moved: fine for paths it left alone or changed as we do, else CONFLICT."""
        known = self.uploads.known
        there = {path: known.get(path) for path in self._wanted}
        moved = sorted(set(changed_paths(self.store.client, self.base, head)) & self._wanted.keys())
        now = self.store.entries.at(head, moved)
        clash = [
            path for path in moved
            if not alike(now.get(path), there[path]) and not alike(now.get(path), self._wanted[path])
        ]  # fmt: skip
        if clash:
            raise LakeError(
                "CONFLICT",
                f"{self.intent.branch} moved from {self.base} to {head} and changed {len(clash)} of the same paths "
                "differently",
                value=", ".join(clash[:5]), where=self.intent.branch, fix="run again on what is there now",
            )  # fmt: skip
        return {**there, **{path: now.get(path) for path in moved}}


def digest_of(wanted: Mapping[str, Entry | None]) -> str:
    """sha256 over everything staged, in path order."""
    facts = [[path, new and [new.digest, new.size_bytes, dict(new.metadata)]] for path, new in sorted(wanted.items())]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
