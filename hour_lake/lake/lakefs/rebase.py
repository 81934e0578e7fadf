"""The staging branch of one transaction: what was put is committed there, and brought up to a head that has moved."""

from collections.abc import Callable, Mapping

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Entry
from hour_lake.lake.lakefs.commits import STAGED
from hour_lake.lake.lakefs.failures import NOT_FOUND
from hour_lake.lake.lakefs.publish import Store, merge_once, unlike

AT_ONCE = 1000  # paths that the server deletes in one request


class Staged:
    """Commits of a staging branch; nobody else writes to it, so that a moved head is always our own doing."""

    def __init__(self, store: Store, branch: str, base: str) -> None:
        self.store = store
        self.branch = branch
        self.base = base  # the commit of the target that the branch has everything of
        self.tip = base

    def delete(self, paths: list[str]) -> None:
        """Remove paths; INTEGRITY if the server does not."""
        from lakefs_sdk.models.path_list import PathList

        client = self.store.client
        for start in range(0, len(paths), AT_ONCE):
            batch = PathList(paths=paths[start : start + AT_ONCE])
            told = client.ask(
                lambda api, batch=batch: api.objects_api.delete_objects(client.repository, self.branch, batch),
                where=self.branch,
            )
            left = [error for error in told.errors if error.status_code != 404]
            if left:
                raise LakeError("INTEGRITY", "the server did not remove a path", value=left[0].message,
                                where=left[0].path)  # fmt: skip

    def commit(self) -> None:
        """Commit what was put and deleted; the same again is nothing."""
        from lakefs_sdk.models.commit_creation import CommitCreation

        client, wanted = self.store.client, CommitCreation(message="staged", metadata={STAGED: "1"})
        self._move(
            lambda: (
                client.ask(
                    lambda api: api.commits_api.commit(client.repository, self.branch, wanted),
                    where=self.branch,
                    once=True,
                ).id
            )
        )

    def take_in(self, commit_id: str) -> None:
        """Merge a commit; what the branch has changed itself stays."""
        self._move(
            lambda: merge_once(
                self.store, commit_id, self.branch, message="staged", metadata={STAGED: "1"}, strategy="dest-wins"
            )
        )

    def copy(self, path: str, commit_id: str) -> None:
        """Put at a path what a commit has there."""
        from lakefs_sdk.models.object_copy_creation import ObjectCopyCreation

        client, wanted = self.store.client, ObjectCopyCreation(src_ref=commit_id, src_path=path)
        client.ask(
            lambda api: api.objects_api.copy_object(client.repository, self.branch, path, wanted),
            where=f"{self.branch}/{path}",
        )

    def check(self, before: str, wanted: Mapping[str, Entry | None]) -> None:
        """INTEGRITY unless the branch differs from a commit in just what was wanted."""
        wrong = unlike(self.store, before, self.tip, wanted)
        if wrong:
            raise LakeError("INTEGRITY", "what was staged is not what was put", value=", ".join(wrong[:5]),
                            where=self.branch, fix="run again")  # fmt: skip

    def _move(self, act: Callable[[], str]) -> None:
        try:
            self.tip = self.store.client.settle(act, self._moved)
        except LakeError as error:
            if error.code == NOT_FOUND:
                raise LakeError("FENCED", "the staging branch is gone: the transaction was open for too long",
                                where=self.branch, fix="run again") from error  # fmt: skip
            raise

    def _moved(self) -> str | None:
        client = self.store.client
        stands = client.ask(
            lambda api: api.branches_api.get_branch(client.repository, self.branch), where=self.branch
        ).commit_id
        return stands if stands != self.tip else None
