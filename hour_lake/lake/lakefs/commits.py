"""Commits of the server as ours, the log, and which attempts have landed.

A transaction is one commit on its branch. What makes it is marked and left out of the log: see `publish`.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Commit, Metadata
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.failures import NOT_FOUND, REFUSED
from hour_lake.lake.lakefs.pages import paged

if TYPE_CHECKING:
    from lakefs_sdk.models.commit import Commit as Told

ATTEMPT = "hour-lake-attempt"
CHANGES = "hour-lake-changes"  # sha256 of what was wanted: the same attempt never means two things
STAGED = "hour-lake-staged"  # on commits that only lead to the one that was published
SOURCE = "hour-lake-source"  # what was merged, where the second parent is a commit that only leads to it
OURS = {ATTEMPT, CHANGES, STAGED, SOURCE}
OF_THE_SERVER = ".lakefs."
CACHED_COMMITS = 1024
FIRST_PAGE = 10  # a commit that is looked for is most often among the newest


class Landed(NamedTuple):
    """A commit that was published, and what its attempt wanted."""

    commit: Commit
    changes: str


class Commits:
    """Commits of one repository."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.get = lru_cache(CACHED_COMMITS)(self._get)
        self._landed: dict[str, Landed] = {}
        self._read: set[str] = set()  # commits from which all on the line of first parents is in `_landed`

    def _get(self, commit_id: str) -> Commit:
        """One commit by its id; STORE_NOT_FOUND, STORE_REFUSED."""
        return commit_of(
            self.client.ask(lambda api: api.commits_api.get_commit(self.client.repository, commit_id), where=commit_id)
        )

    def find(self, beginning: str) -> Commit | None:
        """The commit whose id is, or alone begins with, some hex digits."""
        try:
            found = self.get(beginning)
        except LakeError as error:
            if error.code in (NOT_FOUND, REFUSED):
                return None
            raise
        return found if found.id.startswith(beginning) else None

    def log(self, commit_id: str, prefix: str = "") -> Iterator[Commit]:
        """This commit and those before it, newest first; with a prefix those that the server finds to concern it."""
        repository, prefixes = self.client.repository, [prefix] if prefix else None
        told: Iterator[Told] = paged(
            lambda after, amount: self.client.ask(
                lambda api: api.refs_api.log_commits(
                    repository, commit_id, after=after, amount=amount, prefixes=prefixes
                ),
                where=commit_id,
            ),
            first=FIRST_PAGE,
        )
        return (commit_of(one) for one in told if STAGED not in (one.metadata or {}))

    def landed(self, attempt: str, head: str) -> Landed | None:
        """The commit of an attempt on the branch whose head is given: its whole line is read once, then what is new."""
        if head not in self._read:
            found, line = dict[str, Landed](), set[str]()
            for one in self._line(head):
                if one.id in self._read:
                    break
                line.add(one.id)
                if one.metadata and ATTEMPT in one.metadata:
                    found.setdefault(one.metadata[ATTEMPT], landed_of(one))
            self._landed |= found
            self._read |= line
        return self._landed.get(attempt)

    def landed_since(self, base: str, attempt: str, head: str) -> Landed | None:
        """The same, looked for only among the commits after `base`."""
        for one in self._line(head):
            if one.id == base:
                break
            if (one.metadata or {}).get(ATTEMPT) == attempt:
                return landed_of(one)
        return None

    def _line(self, head: str) -> "Iterator[Told]":
        """First parents from a head back: what was published on its branch."""
        repository = self.client.repository
        return paged(
            lambda after, amount: self.client.ask(
                lambda api: api.refs_api.log_commits(repository, head, after=after, amount=amount, first_parent=True),
                where=head,
            ),
            first=FIRST_PAGE,
        )


def landed_of(told: "Told") -> Landed:
    """What the server keeps of a commit that was published."""
    return Landed(commit_of(told), (told.metadata or {}).get(CHANGES, ""))


def commit_of(told: "Told") -> Commit:
    """A commit without what is only ours or the server's to know; the server keeps whole seconds."""
    kept = told.metadata or {}
    parents = told.parents if SOURCE not in kept else [told.parents[0], kept[SOURCE]]
    metadata = {key: text for key, text in kept.items() if key not in OURS and not key.startswith(OF_THE_SERVER)}
    return Commit(told.id, tuple(parents), told.message, metadata, told.creation_date * 1000)


def check_metadata(metadata: Mapping[str, str]) -> Metadata:
    """ValueError for keys that are ours or the server's: they would not come back."""
    taken = [key for key in metadata if key in OURS or key.startswith(OF_THE_SERVER)]
    if taken:
        raise ValueError(f"commit metadata must not use the key {taken[0]!r}")
    return metadata
