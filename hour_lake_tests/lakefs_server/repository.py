"""One repository: what its branches hold, and the operations that make commits."""

import json
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.lakefs_server.commits import Commit, Commits
from hour_lake_tests.lakefs_server.database import Database
from hour_lake_tests.lakefs_server.errors import ApiError, not_found
from hour_lake_tests.lakefs_server.merging import Merged, decided, three_way
from hour_lake_tests.lakefs_server.records import Record, is_same
from hour_lake_tests.lakefs_server.refs import Refs
from hour_lake_tests.lakefs_server.settings import Settings
from hour_lake_tests.lakefs_server.trees import Difference, Trees
from hour_lake_tests.lakefs_server.uncommitted import Uncommitted

DATABASE = "lakefs.sqlite3"


class Repository:
    """A folder: the embedded lake that holds the trees, our database, and `data` with the objects' bytes."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.trees = Trees(EmbeddedLake.open(folder))
        self.database = Database(folder / DATABASE)
        self.commits = Commits(self.database)
        self.refs = Refs(self.database, self.commits)
        self.uncommitted = Uncommitted(self.database)
        (folder / "data").mkdir(exist_ok=True)

    def create(self, storage_namespace: str, default_branch: str, *, read_only: bool) -> None:
        """Fill a new folder: its facts, a first commit without objects, the default branch."""
        facts = {"id": self.folder.name, "creation_date": int(time.time()), "default_branch": default_branch,
                 "storage_namespace": storage_namespace, "read_only": read_only}  # fmt: skip
        with self.database.changing():
            first = self.commits.append(self.trees.empty(), [], message="Repository created", metadata={})
            self.refs.add("branch", default_branch, first.id)
            self.database.change("INSERT INTO fact (name, value) VALUES ('repository', ?)", json.dumps(facts))

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The model `Repository` of the API; nothing in it changes."""
        return json.loads(self.database.rows("SELECT value FROM fact WHERE name = 'repository'")[0][0])

    def check_writable(self, force: bool) -> None:
        """403 for a read-only repository, unless forced."""
        if self.facts["read_only"] and not force:
            raise ApiError(403, "read-only repository")

    def record(self, ref: str, path: str) -> Record:
        """What stands under a path, with the uncommitted changes when `ref` is a branch; 404."""
        with self.database.lock:
            commit, branch = self.refs.resolve(ref)
            found = self._current(commit, branch, path)
        if found is None:
            raise not_found("object")
        return found

    def current(self, branch: str, path: str) -> Record | None:
        """What stands under a path of a branch, or None."""
        return self._current(self.refs.head(branch), branch, path)

    def listing(self, ref: str, prefix: str) -> list[tuple[str, Record]]:
        """Paths below a prefix with what stands there, in path order."""
        with self.database.lock:
            commit, branch = self.refs.resolve(ref)
            committed = self.trees.under(commit.tree, prefix)
            staged = self.uncommitted.under(branch, prefix) if branch else {}
        if not staged:
            return committed
        both = {**dict(committed), **staged}
        return [(path, record) for path, record in sorted(both.items()) if record is not None]

    def put(self, branch: str, path: str, record: Record) -> None:
        """Stage an object on a branch."""
        with self.database.changing():
            self.refs.get("branch", branch)
            self.uncommitted.put(branch, path, record)

    def delete(self, branch: str, path: str) -> None:
        """Stage the removal of an object; one that is not there is no error."""
        with self.database.changing():
            if self.trees.get(self.refs.head(branch).tree, path) is None:
                self.uncommitted.drop(branch, path)
            else:
                self.uncommitted.put(branch, path, None)

    def changes(self, branch: str) -> list[Difference]:
        """Uncommitted changes of a branch that change anything, in path order."""
        tree = self.refs.head(branch).tree
        staged = sorted(self.uncommitted.under(branch).items())
        there = self.trees.get_many(tree, [path for path, _ in staged])
        found = (Difference(path, there[path], record) for path, record in staged)
        return [d for d in found if not is_same(d.before, d.after, self.settings.same_change)]

    def commit(
        self, branch: str, *, message: str, metadata: Mapping[str, str], date: int | None, allow_empty: bool
    ) -> Commit:
        """Make a commit of a branch's uncommitted changes; 400 when there are none."""
        with self.database.changing():
            head = self.refs.head(branch)
            edits = {path: after for path, _, after in self.changes(branch)}
            if not edits and not allow_empty:
                raise ApiError(400, "commit: no changes")
            made = self.commits.append(
                self.trees.write(head.tree, edits), [head.id], message=message, metadata=metadata, date=date
            )
            self.refs.move(branch, made.id)
            self.uncommitted.drop_all(branch)
        return made

    def commit_edits(
        self, branch: str, edits: Mapping[str, Record | None], *, message: str, metadata: Mapping[str, str],
        date: int | None = None,
    ) -> Commit:  # fmt: skip
        """Make a commit of given changes, whatever is uncommitted; see --empty-merge for when they change nothing."""
        with self.database.changing():
            head = self.refs.head(branch)
            before = self.trees.get_many(head.tree, edits)
            changed = {p: r for p, r in edits.items() if not is_same(before[p], r, self.settings.same_change)}
            if not changed:
                return self._nothing(head)
            made = self.commits.append(
                self.trees.write(head.tree, changed), [head.id], message=message, metadata=metadata, date=date
            )
            self.refs.move(branch, made.id)
        return made

    def merge(
        self, source: str, destination: str, *, message: str, metadata: Mapping[str, str], strategy: str,
        allow_empty: bool, squash: bool,
    ) -> Commit:  # fmt: skip
        """Merge what is committed on a ref into a branch; 409 for conflicts, 400 for a branch with uncommitted changes.

        All of it happens under the repository's lock, so that a branch is seen before or after a merge.
        """
        with self.database.changing():
            here, there = self.refs.head(destination), self.refs.resolve(source).commit
            self._check_clean(destination)
            base = self.commits.merge_base(here, there)
            merged = self._lay(base.tree, there.tree, here.tree, strategy)
            if not merged.edits and not allow_empty and (base.id == there.id or self._counts_as_empty(here, there)):
                return self._nothing(here)
            made = self.commits.append(
                self.trees.write(here.tree, merged.edits),
                [here.id] if squash else [here.id, there.id],
                message=message or f"Merge '{source}' into '{destination}'",
                metadata={".lakefs.merge.strategy": strategy or "default", **metadata},
            )
            self.refs.move(destination, made.id)
        return made

    def replay(
        self, branch: str, *, before: str, after: str, message: str, metadata: Mapping[str, str], allow_empty: bool
    ) -> Commit:
        """Lay on a branch what changed between two trees, as a revert and a cherry-pick do; 409, 400."""
        with self.database.changing():
            head = self.refs.head(branch)
            self._check_clean(branch)
            merged = self._lay(before, after, head.tree, "")
            if not merged.edits and not allow_empty:
                raise ApiError(400, "no changes")
            made = self.commits.append(
                self.trees.write(head.tree, merged.edits), [head.id], message=message, metadata=metadata
            )
            self.refs.move(branch, made.id)
        return made

    def close(self) -> None:
        """Let go of the files."""
        self.database.close()

    def _current(self, commit: Commit, branch: str | None, path: str) -> Record | None:
        if branch is not None and self.uncommitted.has(branch, path):
            return self.uncommitted.get(branch, path)
        return self.trees.get(commit.tree, path)

    def _check_clean(self, branch: str) -> None:
        if self.changes(branch):
            raise ApiError(400, f"branch {branch}: uncommitted changes (dirty branch)")

    def _lay(self, base: str, source: str, destination: str, strategy: str) -> Merged:
        merged = decided(three_way(self.trees, base, source, destination, self.settings.same_change), strategy)
        if merged.conflicts:
            raise ApiError(409, "conflict found", body={"message": "conflict found", "reference": ""})
        return merged

    def _counts_as_empty(self, one: Commit, other: Commit) -> bool:
        """Whether a merge that would leave the destination as it is counts as one that brings nothing."""
        if self.settings.empty_merge == "fail-nothing-new":
            return True
        pairs = self.trees.changes(one.tree, other.tree)
        return all(is_same(before, after, self.settings.same_change) for _, before, after in pairs)

    def _nothing(self, head: Commit) -> Commit:
        if self.settings.empty_merge == "noop":
            return head
        raise ApiError(400, "no changes")
