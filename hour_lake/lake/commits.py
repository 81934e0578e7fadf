"""Commits: what each one holds, where it came from, and which attempt made it."""

import hashlib
import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hour_lake.errors import LakeError
from hour_lake.lake.database import Database
from hour_lake.lake.interface import Commit, Metadata
from hour_lake.lake.nodes import Ref

CACHED_COMMITS = 1024


@dataclass(frozen=True)
class Stored:
    """A commit with what the store knows beyond the public part."""

    commit: Commit
    seq: int
    root: Ref
    changes: bytes


class Commits:
    """The table `commits`; a commit's id is the sha256 of its body, so nothing in it can change unnoticed."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.recent = lru_cache(CACHED_COMMITS)(self.read)

    def append(
        self, root: Ref, parents: Sequence[str], *, branch: str, attempt: str, changes: bytes, message: str,
        metadata: Metadata, created_ms: int,
    ) -> str:  # fmt: skip
        """Write a commit; its id. REF_NOT_FOUND when a parent is gone: what it alone reached may be gone, too."""
        for parent in parents:
            if not self._where("id = ?", parent):  # asked of the table: what is cached may have been collected
                raise LakeError("REF_NOT_FOUND", "a commit was collected meanwhile", value=parent,
                                fix="make a branch or a tag at what is to be kept")  # fmt: skip
        facts = {"tree": root.digest.hex(), "parents": list(parents), "message": message, "metadata": dict(metadata),
                 "created_ms": created_ms, "attempt": attempt, "branch": branch, "changes": changes.hex()}  # fmt: skip
        body = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
        commit_id = hashlib.sha256(body).hexdigest()
        self.database.append(
            "INSERT INTO commits (id, root, body, branch, attempt, changes) VALUES (?, ?, ?, ?, ?, ?)",
            commit_id, root.row, body, branch, attempt, changes,
        )  # fmt: skip
        return commit_id

    def get(self, commit_id: str) -> Stored:
        """One commit by its full id; STORE_CORRUPT when it is missing or altered."""
        return self.recent(commit_id)

    def read(self, commit_id: str) -> Stored:
        """The same from the table, whatever was read before."""
        found = self._where("id = ?", commit_id)
        if not found:
            raise LakeError("STORE_CORRUPT", "a commit is missing", value=commit_id, where=str(self.database.file))
        return found[0]

    def by_attempt(self, attempt: str) -> Stored | None:
        """The commit that an attempt made, if it landed."""
        return next(iter(self._where("attempt = ?", attempt)), None)

    def starting_with(self, prefix: str, limit: int = 4) -> list[str]:
        """Ids that begin with some hex digits, at most `limit`."""
        rows = self.database.rows(
            "SELECT id FROM commits WHERE id >= ? AND id < ? LIMIT ?", prefix, prefix + "g", limit
        )
        return [commit_id for (commit_id,) in rows]

    def back_from(self, commit_id: str) -> Iterator[Stored]:
        """This commit and all before it, newest first."""
        newest = self.get(commit_id)
        waiting, seen = [(-newest.seq, newest)], {commit_id}
        while waiting:
            _, stored = heapq.heappop(waiting)
            yield stored
            for parent in stored.commit.parents:
                if parent not in seen:
                    seen.add(parent)
                    older = self.get(parent)
                    heapq.heappush(waiting, (-older.seq, older))

    def after(self, seq: int, limit: int) -> list[Stored]:
        """So many commits in the order they came in, from the first that is numbered higher."""
        return self._where("seq > ? ORDER BY seq LIMIT ?", seq, limit)

    def _where(self, condition: str, *values: object) -> list[Stored]:
        rows = self.database.rows(f"SELECT seq, id, root, body, changes FROM commits WHERE {condition}", *values)
        return [self._stored(*row) for row in rows]

    def _stored(self, seq: int, commit_id: str, root: int, body: bytes, changes: bytes) -> Stored:
        if not isinstance(body, bytes) or hashlib.sha256(body).hexdigest() != commit_id:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise LakeError("STORE_CORRUPT", "a commit is altered", value=commit_id, where=str(self.database.file))
        facts = json.loads(body)
        commit = Commit(
            commit_id, tuple(facts["parents"]), facts["message"], facts["metadata"], int(facts["created_ms"])
        )
        return Stored(commit, seq, Ref(bytes.fromhex(facts["tree"]), root), changes)
