"""Commits: made, found, walked back from, and where two histories meet."""

import hashlib
import heapq
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hour_lake_tests.lakefs_server.database import Database
from hour_lake_tests.lakefs_server.errors import not_found

COMMITTER = "hour-lake-tests"


@dataclass(frozen=True)
class Commit:
    """An immutable state; `seq` grows from parents to children, `creation_date` is in seconds since 1970."""

    seq: int
    id: str
    tree: str
    parents: Sequence[str]
    message: str
    metadata: Mapping[str, str]
    creation_date: int
    generation: int

    def as_json(self) -> dict[str, Any]:
        """The model `Commit` of the API."""
        return {"id": self.id, "parents": list(self.parents), "committer": COMMITTER, "message": self.message,
                "creation_date": self.creation_date, "meta_range_id": self.tree, "metadata": dict(self.metadata),
                "generation": self.generation, "version": 1}  # fmt: skip


class Commits:
    """The table `commits`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def append(
        self, tree: str, parents: Sequence[str], *, message: str, metadata: Mapping[str, str], date: int | None = None
    ) -> Commit:
        """Write a commit."""
        generation = 1 + max((self.get(parent).generation for parent in parents), default=0)
        body = {"tree": tree, "parents": list(parents), "message": message, "metadata": dict(metadata),
                "creation_date": int(time.time()) if date is None else date, "generation": generation}  # fmt: skip
        text = json.dumps(body, sort_keys=True)
        commit_id = hashlib.sha256(f"{text}{uuid.uuid4().hex}".encode()).hexdigest()
        self.database.change("INSERT INTO commits (id, body) VALUES (?, ?)", commit_id, text)
        return self.get(commit_id)

    def get(self, commit_id: str) -> Commit:
        """One commit by its full id; 404."""
        rows = self.database.rows("SELECT seq, body FROM commits WHERE id = ?", commit_id)
        if not rows:
            raise not_found("commit")
        return Commit(rows[0][0], commit_id, **json.loads(rows[0][1]))

    def starting_with(self, prefix: str) -> list[str]:
        """Ids that begin with some hex digits, two at most."""
        rows = self.database.rows("SELECT id FROM commits WHERE id >= ? AND id < ? LIMIT 2", prefix, prefix + "g")
        return [commit_id for (commit_id,) in rows]

    def back_from(self, commit: Commit, *, first_parent: bool = False) -> Iterator[Commit]:
        """This commit and those before it, newest first."""
        waiting, seen = [(-commit.seq, commit.id)], {commit.id}
        while waiting:
            found = self.get(heapq.heappop(waiting)[1])
            yield found
            for parent in found.parents[:1] if first_parent else found.parents:
                if parent not in seen:
                    seen.add(parent)
                    heapq.heappush(waiting, (-self.get(parent).seq, parent))

    def merge_base(self, one: Commit, other: Commit) -> Commit:
        """The newest commit that both come from."""
        ancestors = {commit.id for commit in self.back_from(one)}
        base = next((commit for commit in self.back_from(other) if commit.id in ancestors), None)
        if base is None:
            raise not_found("merge base")
        return base
