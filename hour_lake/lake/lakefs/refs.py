"""Branches and tags of the server: names that stand at commits, and what a ref means.

The server forbids `/` in tags or will (it would read the rest as a path): ours has `=` there, which no tag of ours has.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hour_lake.errors import LakeError
from hour_lake.lake.lakefs.branches import drop_branch, make_branch
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.commits import Commits
from hour_lake.lake.lakefs.failures import CLASH, NOT_FOUND, REFUSED
from hour_lake.lake.lakefs.pages import paged
from hour_lake.lake.lakefs.staging import PREFIX, Staging
from hour_lake.lake.names import BRANCH, COMMIT_ID, COMMIT_PREFIX, TAG, check_branch_name, check_tag_name, near
from hour_lake.lake.refs import MAIN

if TYPE_CHECKING:
    from lakefs_sdk.client import LakeFSClient


class Refs:
    """Refs of one repository."""

    def __init__(self, client: Client, commits: Commits, staging: Staging) -> None:
        self.client = client
        self.commits = commits
        self.staging = staging

    def branches(self) -> dict[str, str]:
        """Branches and their commits, by name; those of open transactions are not among them."""
        told = self._all(lambda api, **page: api.branches_api.list_branches(self.client.repository, **page))
        return {ref.id: ref.commit_id for ref in told if not ref.id.startswith(PREFIX)}

    def tags(self) -> dict[str, str]:
        """Tags and their commits, by name."""
        told = self._all(lambda api, **page: api.tags_api.list_tags(self.client.repository, **page))
        return dict(sorted((ref.id.replace("=", "/"), ref.commit_id) for ref in told))

    def resolve(self, ref: str) -> str:
        """The commit of a branch, a tag or (the beginning of) a commit id, in this order; REF_NOT_FOUND."""
        if COMMIT_ID.fullmatch(ref):
            commit = self.commits.find(ref)
            found = commit and commit.id
        else:
            found = self._branch(ref) or self._tag(ref) or self._prefix(ref)
        if not found:
            names = sorted([*self.branches(), *self.tags()])
            raise LakeError("REF_NOT_FOUND", "there is no such branch, tag or commit", value=ref,
                            fix=near(ref, names) or f"there are: {', '.join(names[:10])}")  # fmt: skip
        return found

    def head(self, branch: str) -> str:
        """The commit a branch stands at; a tag or a commit is no branch: REF_NOT_FOUND."""
        found = self._branch(branch)
        if not found:
            known = self.branches()
            raise LakeError("REF_NOT_FOUND", "there is no such branch", value=branch,
                            fix=near(branch, known) or f"branches: {', '.join(known)}")  # fmt: skip
        return found

    def create_branch(self, name: str, source: str) -> str:
        """A new branch; REF_NAME_INVALID, REF_NOT_FOUND, REF_EXISTS."""
        check_branch_name(name)
        if name.startswith(PREFIX):
            raise LakeError("REF_NAME_INVALID", "such names are for open transactions", value=name,
                            fix="choose another name")  # fmt: skip
        commit_id = self.resolve(source)
        self._check_free(name, "tag", self._tag(name))
        self._make(
            name, "branch", lambda: make_branch(self.client, name, commit_id), lambda: self._branch(name), commit_id
        )
        return commit_id

    def tag(self, name: str, ref: str) -> str:
        """A tag that never moves; REF_NAME_INVALID, REF_NOT_FOUND, REF_EXISTS, TAG_IMMUTABLE."""
        check_tag_name(name)
        commit_id = self.resolve(ref)
        self._check_free(name, "branch", self._branch(name))
        stands = self._tag(name)
        if stands is None:
            self._make(name, "tag", lambda: self._make_tag(name, commit_id), lambda: self._tag(name), commit_id)
        elif stands != commit_id:
            raise LakeError("TAG_IMMUTABLE", f"the tag stands at {stands[:12]} for ever", value=name,
                            fix="choose another name, like the next version number")  # fmt: skip
        return commit_id

    def delete_branch(self, name: str) -> None:
        """REF_NOT_FOUND, BRANCH_PROTECTED; BRANCH_BUSY with an open transaction, or with changes not committed."""
        if name == MAIN:
            raise LakeError("BRANCH_PROTECTED", "the main branch stays", value=name)
        self.head(name)
        opened = self.staging.open_on(name)
        if opened:
            raise LakeError("BRANCH_BUSY", f"{opened} transactions are open on the branch", value=name,
                            fix="wait for them; what a dead one left is swept a day after it began")  # fmt: skip
        self.check_committed(name)
        drop_branch(self.client, name)

    def check_committed(self, branch: str) -> None:
        """BRANCH_BUSY if somebody has written to the branch without a commit, past us."""
        page = self.client.ask(
            lambda api: api.branches_api.diff_branch(self.client.repository, branch, amount=1), where=branch
        )
        if page.results:
            raise LakeError("BRANCH_BUSY", "another client has changes on the branch that are not committed",
                            value=page.results[0].path, where=branch, fix="commit them or take them back")  # fmt: skip

    def _make(
        self, name: str, kind: str, make: Callable[[], None], standing: Callable[[], str | None], commit_id: str
    ) -> None:
        """Make a ref; when the answer is lost, one of that name at that commit is taken for it."""

        def landed() -> bool | None:
            return True if standing() == commit_id else None

        def act() -> bool:
            make()
            return True

        try:
            self.client.settle(act, landed)
        except LakeError as error:
            if error.code == CLASH:
                self._check_free(name, kind, "taken")
            if error.code == REFUSED:
                raise LakeError("REF_NAME_INVALID", f"the server takes no {kind} of that name", value=name,
                                where=error.value) from error  # fmt: skip
            raise

    def _make_tag(self, name: str, commit_id: str) -> None:
        from lakefs_sdk.models.tag_creation import TagCreation

        wanted = TagCreation(id=spelt(name), ref=commit_id)
        self.client.ask(lambda api: api.tags_api.create_tag(self.client.repository, wanted), where=name, once=True)

    def _check_free(self, name: str, kind: str, stands: str | None) -> None:
        if stands:
            raise LakeError("REF_EXISTS", f"there is a {kind} of that name", value=name, fix="choose another name")

    def _branch(self, name: str) -> str | None:
        if not BRANCH.fullmatch(name):
            return None
        return self._standing(lambda api: api.branches_api.get_branch(self.client.repository, name), name)

    def _tag(self, name: str) -> str | None:
        if not TAG.fullmatch(name):
            return None
        return self._standing(lambda api: api.tags_api.get_tag(self.client.repository, spelt(name)), name)

    def _prefix(self, beginning: str) -> str | None:
        found = self.commits.find(beginning) if COMMIT_PREFIX.fullmatch(beginning) else None
        return found and found.id

    def _standing(self, call: "Callable[[LakeFSClient], Any]", name: str) -> str | None:
        try:
            return self.client.ask(call, where=name).commit_id
        except LakeError as error:
            if error.code in (NOT_FOUND, REFUSED):
                return None
            raise

    def _all(self, call: Callable[..., Any]) -> Iterable[Any]:
        where = self.client.repository
        return paged(
            lambda after, amount: self.client.ask(lambda api: call(api, after=after, amount=amount), where=where)
        )


def spelt(tag: str) -> str:
    """A tag's name as the server has it."""
    return tag.replace("/", "=")
