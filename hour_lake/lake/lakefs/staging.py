"""Where a transaction is staged: a branch of its own that no reader looks at, and what is left of the dead is swept."""

import hashlib
import logging
import re
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from hour_lake.errors import LakeError
from hour_lake.lake.lakefs.branches import drop_branch, make_branch
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.failures import CLASH, NOT_FOUND
from hour_lake.lake.lakefs.pages import paged

PREFIX = "hour-lake-tx-"
BEGUN = re.compile(rf"{PREFIX}[0-9a-f]+-([0-9a-f]+)-[0-9a-f]+-[0-9a-f]+")
GRACE_SECONDS = 24 * 3600.0  # nothing tells a dead writer from a slow one but time
DIGITS = 12
log = logging.getLogger(__name__)


class Staging:
    """Branches called `hour-lake-tx-<of the target>-<seconds since 1970, hex>-<of the attempt>-<random>`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._swept = False

    @contextmanager
    def open(self, branch: str, attempt: str, base: str) -> Generator[str]:
        """A new branch at a commit for one transaction, dropped at the end; COMMIT_UNKNOWN leaves it for a look."""
        if not self._swept:
            self.sweep()
            self._swept = True
        name = f"{PREFIX}{short(branch)}-{int(time.time()):x}-{short(attempt)}-{uuid.uuid4().hex[:8]}"
        self.client.settle(lambda: self._made(name, base), lambda: self._stands(name))
        keep = False
        try:
            yield name
        except LakeError as error:
            keep = error.code == "COMMIT_UNKNOWN"
            raise
        finally:
            if not keep:
                self._drop(name)

    def open_on(self, branch: str) -> int:
        """How many transactions are open on a branch, as far as can be told."""
        return sum(age < GRACE_SECONDS for _, age in self._all(f"{PREFIX}{short(branch)}-"))

    def sweep(self, grace_seconds: float = GRACE_SECONDS) -> int:
        """Drop branches of transactions that began longer ago than the grace period; how many."""
        old = [name for name, age in self._all(PREFIX) if age >= grace_seconds]
        for name in old:
            drop_branch(self.client, name)
        return len(old)

    def _all(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Names and ages in seconds."""
        repository, now = self.client.repository, time.time()
        told = paged(
            lambda after, amount: self.client.ask(
                lambda api: api.branches_api.list_branches(
                    repository, prefix=prefix, after=after, amount=amount, show_hidden=True
                ),
                where=repository,
            )
        )
        begun = ((ref.id, BEGUN.fullmatch(ref.id)) for ref in told)
        return ((name, now - int(found[1], 16)) for name, found in begun if found)

    def _made(self, name: str, base: str) -> bool:
        try:
            make_branch(self.client, name, base, hidden=True)
        except LakeError as error:
            if error.code != CLASH:  # nobody else makes this name: an answer was lost
                raise
        return True

    def _stands(self, name: str) -> bool | None:
        try:
            self.client.ask(lambda api: api.branches_api.get_branch(self.client.repository, name), where=name)
        except LakeError as error:
            if error.code == NOT_FOUND:
                return None
            raise
        return True

    def _drop(self, name: str) -> None:
        """What was published is published, and what failed has failed: a branch that stays is swept later."""
        try:
            drop_branch(self.client, name)
        except LakeError as error:
            log.warning("the staging branch %s could not be dropped: %s", name, error)


def short(text: str) -> str:
    """Enough of a digest to tell names apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
