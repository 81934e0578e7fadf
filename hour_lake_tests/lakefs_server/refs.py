"""Branches and tags, and what an expression like `main~2^2` or `main@` names."""

import re
from typing import Literal, NamedTuple

from hour_lake_tests.lakefs_server.commits import Commit, Commits
from hour_lake_tests.lakefs_server.database import Database
from hour_lake_tests.lakefs_server.errors import ApiError, invalid, not_found

Kind = Literal["branch", "tag"]
EXPRESSION = re.compile(r"(?P<name>[^~^@]+)(?P<steps>([~^]\d*)*)(?P<committed>@?)")
STEP = re.compile(r"([~^])(\d*)")
COMMIT_PREFIX = re.compile(r"[0-9a-f]{6,64}")


class Resolved(NamedTuple):
    """What a ref names; `branch` is set when its uncommitted changes count too."""

    commit: Commit
    branch: str | None


class Refs:
    """The table `refs`."""

    def __init__(self, database: Database, commits: Commits) -> None:
        self.database = database
        self.commits = commits

    def all(self, kind: Kind, *, hidden: bool = False) -> list[tuple[str, str]]:
        """Names and commit ids, by name."""
        rows = self.database.rows(
            "SELECT name, commit_id FROM refs WHERE kind = ? AND hidden <= ? ORDER BY name", kind, int(hidden)
        )
        return [(name, commit_id) for name, commit_id in rows]

    def find(self, kind: Kind, name: str) -> str | None:
        """The commit id of a branch or tag, or None."""
        rows = self.database.rows("SELECT commit_id FROM refs WHERE kind = ? AND name = ?", kind, name)
        return rows[0][0] if rows else None

    def get(self, kind: Kind, name: str) -> str:
        """The commit id of a branch or tag; 404."""
        found = self.find(kind, name)
        if found is None:
            raise not_found(kind)
        return found

    def add(self, kind: Kind, name: str, commit_id: str, *, hidden: bool = False) -> None:
        """A new branch or tag; 409 when there is one of this name."""
        if self.find(kind, name) is not None:
            raise ApiError(409, f"{kind} already exists: not unique")
        self.database.change(
            "INSERT INTO refs (kind, name, commit_id, hidden) VALUES (?, ?, ?, ?)", kind, name, commit_id, int(hidden)
        )

    def move(self, branch: str, commit_id: str) -> None:
        """Let a branch stand at another commit."""
        self.database.change("UPDATE refs SET commit_id = ? WHERE kind = 'branch' AND name = ?", commit_id, branch)

    def delete(self, kind: Kind, name: str) -> None:
        """404 when there is none."""
        if not self.database.change("DELETE FROM refs WHERE kind = ? AND name = ?", kind, name):
            raise not_found(kind)

    def head(self, branch: str) -> Commit:
        """The commit that a branch stands at; 404."""
        return self.commits.get(self.get("branch", branch))

    def resolve(self, ref: str) -> Resolved:
        """What an expression names; 400 when it is none, 404."""
        parts = EXPRESSION.fullmatch(ref)
        if parts is None:
            raise invalid(f"argument ref: {ref!r}: invalid value")
        commit = self._named(parts["name"])
        for sign, count in STEP.findall(parts["steps"]):
            commit = self._step(commit, sign, int(count or 1))
        is_branch = parts["name"] == ref and self.find("branch", ref) is not None
        return Resolved(commit, ref if is_branch else None)

    def _named(self, name: str) -> Commit:
        commit_id = self.find("branch", name) or self.find("tag", name)
        if commit_id is None:
            found = self.commits.starting_with(name) if COMMIT_PREFIX.fullmatch(name) else []
            if len(found) != 1:
                raise not_found("ref")
            commit_id = found[0]
        return self.commits.get(commit_id)

    def _step(self, commit: Commit, sign: str, count: int) -> Commit:
        """`~2` is the first parent's first parent, `^2` the second parent."""
        wanted = [0] * count if sign == "~" else [count - 1] * (count > 0)
        for position in wanted:
            if position >= len(commit.parents):
                raise not_found("parent of commit")
            commit = self.commits.get(commit.parents[position])
        return commit
