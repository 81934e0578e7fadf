"""Making and dropping a branch, as transactions and users both do."""

from hour_lake.errors import LakeError
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.failures import NOT_FOUND


def make_branch(client: Client, name: str, commit_id: str, *, hidden: bool = False) -> None:
    """A branch at a commit, asked for once."""
    from lakefs_sdk.models.branch_creation import BranchCreation

    wanted = BranchCreation(name=name, source=commit_id, hidden=hidden)
    client.ask(lambda api: api.branches_api.create_branch(client.repository, wanted), where=name, once=True)


def drop_branch(client: Client, name: str) -> None:
    """No branch of that name; it need not be there."""
    try:
        client.ask(lambda api: api.branches_api.delete_branch(client.repository, name), where=name)
    except LakeError as error:
        if error.code != NOT_FOUND:
            raise
