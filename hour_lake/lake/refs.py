"""Branches and tags: names that stand at commits, and what a ref means."""

from collections.abc import Mapping
from typing import Literal

from hour_lake.errors import LakeError
from hour_lake.lake.commits import Commits
from hour_lake.lake.database import Database
from hour_lake.lake.names import COMMIT_PREFIX, check_branch_name, check_tag_name, near
from hour_lake.lake.ref_log import RefLog

Kind = Literal["branch", "tag"]
MAIN = "main"


class Refs:
    """The table `refs`. Writing methods belong inside `Database.writing`."""

    def __init__(self, database: Database, commits: Commits) -> None:
        self.database = database
        self.commits = commits
        self.log = RefLog(database)

    def all(self, kind: Kind) -> dict[str, str]:
        """Names of one kind and their commits, by name."""
        rows = self.database.rows("SELECT name, commit_id FROM refs WHERE kind = ? ORDER BY name", kind)
        return dict(rows)

    def resolve(self, ref: str) -> str:
        """The commit of a branch, a tag or (the beginning of) a commit id, in this order; REF_NOT_FOUND."""
        rows = self._standing("name = ?", ref)
        if rows:
            return rows[0][0]
        found = self.commits.starting_with(ref) if COMMIT_PREFIX.fullmatch(ref) else []
        if len(found) == 1:
            return found[0]
        if found:
            raise LakeError("REF_NOT_FOUND", "several commits begin like that", value=ref,
                            fix=f"give more digits: {', '.join(found)}")  # fmt: skip
        raise LakeError("REF_NOT_FOUND", "there is no such branch, tag or commit", value=ref,
                        fix=near(ref, self._names()) or f"there are: {', '.join(self._names()[:10])}")  # fmt: skip

    def head(self, branch: str) -> str:
        """The commit a branch stands at; a tag or a commit is no branch: REF_NOT_FOUND."""
        branches = self._standing("name = ? AND kind = 'branch'", branch)
        if not branches:
            known = self.all("branch")
            raise LakeError("REF_NOT_FOUND", "there is no such branch", value=branch,
                            fix=near(branch, known) or f"branches: {', '.join(known)}")  # fmt: skip
        return branches[0][0]

    def create_branch(self, name: str, commit_id: str) -> None:
        """REF_NAME_INVALID, REF_EXISTS."""
        check_branch_name(name)
        self._add(name, "branch", commit_id)

    def delete_branch(self, name: str) -> None:
        """REF_NOT_FOUND; BRANCH_PROTECTED for main."""
        if name == MAIN:
            raise LakeError("BRANCH_PROTECTED", "the main branch stays", value=name)
        self.head(name)
        self.database.change("DELETE FROM refs WHERE name = ? AND kind = 'branch'", name)
        self.log.record(name, "branch", None)

    def tag(self, name: str, commit_id: str) -> None:
        """REF_NAME_INVALID, REF_EXISTS; TAG_IMMUTABLE when the tag stands elsewhere."""
        check_tag_name(name)
        stands = self.all("tag").get(name)
        if stands is None:
            self._add(name, "tag", commit_id)
        elif stands != commit_id:
            raise LakeError("TAG_IMMUTABLE", f"the tag stands at {stands[:12]} for ever", value=name,
                            fix="choose another name, like the next version number")  # fmt: skip

    def move(self, branch: str, *, before: str, after: str) -> None:
        """The compare-and-swap that publishes: CONFLICT unless the branch stands where it was seen."""
        statement = "UPDATE refs SET commit_id = ? WHERE name = ? AND kind = 'branch' AND commit_id = ?"
        if self.database.change(statement, after, branch, before) != 1:
            raise LakeError("CONFLICT", "the branch moved", value=f"{before} expected", where=branch)

    def _add(self, name: str, kind: Kind, commit_id: str) -> None:
        if self._kinds().get(name):
            raise LakeError("REF_EXISTS", f"there is a {self._kinds()[name]} of that name", value=name,
                            fix="choose another name")  # fmt: skip
        self.database.append("INSERT INTO refs (name, kind, commit_id) VALUES (?, ?, ?)", name, kind, commit_id)
        self.log.record(name, kind, commit_id)

    def _standing(self, condition: str, name: str) -> list[tuple[str]]:
        """Nothing that cannot be printed is a name; half characters could not even be asked for."""
        return self.database.rows(f"SELECT commit_id FROM refs WHERE {condition}", name) if name.isprintable() else []

    def _kinds(self) -> Mapping[str, str]:
        return dict(self.database.rows("SELECT name, kind FROM refs"))

    def _names(self) -> list[str]:
        """Damage can make anything of a name, which must not hide the answer."""
        return sorted(map(str, self._kinds()))
