"""Every making and deleting of a branch or tag, so that a ref that was lost can be told from one that was deleted.

Where a branch stands follows from it: at the newest commit published on it since it was made, else where it was made.
A commit carries its branch, so publishing writes nothing here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hour_lake.lake.database import Database


@dataclass(frozen=True)
class Made:
    """A branch or tag that stands: its record, where it was made, and the number of the newest commit at that time."""

    row: int
    name: str
    kind: str
    commit_id: str
    after_seq: int


class RefLog:
    """The table `ref_log`. `record` belongs inside `Database.writing`, with the change itself."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def record(self, name: str, kind: str, commit_id: str | None) -> None:
        """A ref was made at a commit, or deleted (None)."""
        ((newest,),) = self.database.rows("SELECT coalesce(max(seq), 0) FROM commits")
        facts = (name, kind, commit_id, newest)
        self.database.append(
            "INSERT INTO ref_log (name, kind, commit_id, after_seq, digest) VALUES (?, ?, ?, ?, ?)", *facts, seal(facts)
        )

    def standing(self) -> tuple[Mapping[str, Made], list[int]]:
        """Refs that stand by the sound records, by name; and the numbers of damaged records.

        A damaged record may have been the deletion of any ref that was made before it.
        """
        made: dict[str, Made] = {}
        damaged: list[int] = []
        statement = "SELECT id, name, kind, commit_id, after_seq, digest FROM ref_log ORDER BY id"
        for row, name, kind, commit_id, after_seq, digest in self.database.rows(statement):
            if seal((name, kind, commit_id, after_seq)) != digest:
                damaged.append(row)
            elif commit_id is None:
                made.pop(name, None)
            else:
                made[name] = Made(row, name, kind, commit_id, after_seq)
        return made, damaged

    def candidates(self, made: Made) -> list[str]:
        """Where a ref may stand, the likeliest first: commits published on it since it was made, then its beginning."""
        if made.kind == "tag":
            return [made.commit_id]
        statement = "SELECT id FROM commits WHERE branch = ? AND seq > ? ORDER BY seq DESC"
        published = [commit_id for (commit_id,) in self.database.rows(statement, made.name, made.after_seq)]
        return [*published, made.commit_id]


def seal(facts: Sequence[object]) -> bytes:
    """What a record keeps of itself: 16 bytes of the sha256 over its columns."""
    return hashlib.sha256(json.dumps(facts, default=repr).encode()).digest()[:16]
