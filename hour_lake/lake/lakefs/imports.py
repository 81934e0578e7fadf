"""Importing by reference: objects that lie in the object store already become entries without a byte being copied."""

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Entry
from hour_lake.lake.lakefs.commits import STAGED
from hour_lake.lake.lakefs.failures import NOT_FOUND, REFUSED
from hour_lake.lake.lakefs.publish import Intent, Proposal, Store, publish
from hour_lake.lake.lakefs.rebase import Staged
from hour_lake.lake.names import check_path

POLL_SECONDS = 1.0
SILENT_SECONDS = 600.0  # an import that reports no progress for so long is given up


def import_objects(store: Store, intent: Intent, sources: Mapping[str, str]) -> str:
    """Import on a staging branch, then publish as a transaction does; IMPORT_FAILED, PATH_INVALID, CONFLICT."""
    for path in sources:
        check_path(path)
    if not sources:
        raise ValueError("nothing to import")
    base = store.refs.head(intent.branch)
    unread = {path: Entry(path, "", 0) for path in sorted(sources)}
    changes = hashlib.sha256(json.dumps(sorted(sources.items())).encode()).hexdigest()
    with store.staging.open(intent.branch, intent.attempt, base) as branch:
        staged = Staged(store, branch, base)

        def propose(head: str) -> Proposal | str:
            if staged.tip == base:
                staged.tip = _imported(store, branch, sources)
            if staged.base != head:
                staged.take_in(head)
                staged.base = head
            staged.check(head, unread)
            return Proposal(staged.tip, unread, squash=True, tree=staged.tip)

        return publish(store, intent, changes, propose)


def _imported(store: Store, branch: str, sources: Mapping[str, str]) -> str:
    """Run one import to its end; the commit it made on the staging branch."""
    from lakefs_sdk.models.commit_creation import CommitCreation
    from lakefs_sdk.models.import_creation import ImportCreation
    from lakefs_sdk.models.import_location import ImportLocation

    client = store.client
    wanted = ImportCreation(
        paths=[ImportLocation(type="object", path=source, destination=path) for path, source in sources.items()],
        commit=CommitCreation(message="staged", metadata={STAGED: "1"}),
    )
    try:
        begun = client.ask(lambda api: api.import_api.import_start(client.repository, branch, wanted), where=branch)
    except LakeError as error:
        if error.code not in (NOT_FOUND, REFUSED):
            raise
        raise LakeError("IMPORT_FAILED", "the server does not import these objects", value=error.value, where=branch,
                        fix="see that the server's own keys may read them, and that they are of its kind of store") \
            from error  # fmt: skip
    last, progress = time.monotonic(), None
    while time.monotonic() - last < SILENT_SECONDS:
        status = client.ask(lambda api: api.import_api.import_status(client.repository, branch, begun.id), where=branch)
        if status.error is not None:
            raise _failed(status.error.message, branch)
        if status.completed and status.commit is not None:
            return status.commit.id
        if (status.update_time, status.ingested_objects) != progress:
            last, progress = time.monotonic(), (status.update_time, status.ingested_objects)
        time.sleep(POLL_SECONDS)
    client.ask(lambda api: api.import_api.import_cancel(client.repository, branch, begun.id), where=branch)
    raise _failed("no progress", branch)


def _failed(said: Any, branch: str) -> LakeError:
    return LakeError("IMPORT_FAILED", "the import did not come to its end", value=said, where=branch,
                     fix="see that every source is there and that the server may read it")  # fmt: skip
