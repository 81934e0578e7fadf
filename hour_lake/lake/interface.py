"""What every lake can do: refs, commits, entries and write-audit-publish transactions; no implementation is here."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Metadata = Mapping[str, str]
Fence = Callable[[], None]


@dataclass(frozen=True)
class Entry:
    """One path of one commit: which object it is, and what was said about it when it was written."""

    path: str
    digest: str  # sha256 of the content, 64 hex digits
    size_bytes: int
    metadata: Metadata = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Change:
    """One path that differs between two commits."""

    path: str
    kind: Literal["added", "changed", "removed"]
    before: Entry | None
    after: Entry | None


@dataclass(frozen=True)
class Commit:
    """An immutable state of the lake and where it came from."""

    id: str
    parents: tuple[str, ...]
    message: str
    metadata: Metadata
    created_ms: int


class Transaction(Protocol):
    """Writes that no reader sees before all of them are published at once."""

    def put(self, path: str, data: bytes | Path, metadata: Metadata | None = None) -> Entry:
        """Stage one object (bytes, or a file that is copied in) under a path."""
        ...

    def delete(self, path: str) -> None:
        """Stage the removal of a path; removing what is not there is not an error."""
        ...

    @property
    def commit_id(self) -> str:
        """The commit that was published; only after the `with` block has ended well."""
        ...


class Lake(Protocol):
    """Versioned storage. A `ref` is a branch, a tag, a commit id or an unambiguous prefix (8+ characters) of one."""

    def branches(self) -> Mapping[str, str]:
        """Branch names and the commits they stand at."""
        ...

    def create_branch(self, name: str, source: str) -> str:
        """A new branch at the commit of `source`; O(1) whatever the size of the lake."""
        ...

    def delete_branch(self, name: str) -> None:
        """Drop a branch; what only it reached is left to garbage collection."""
        ...

    def tags(self) -> Mapping[str, str]:
        """Tag names and their commits."""
        ...

    def tag(self, name: str, ref: str) -> str:
        """A tag at the commit of `ref`; the same again is fine, another commit is TAG_IMMUTABLE."""
        ...

    def resolve(self, ref: str) -> str:
        """The commit id of a ref; REF_NOT_FOUND lists near names."""
        ...

    def log(self, ref: str, prefix: str = "", limit: int | None = None) -> Iterator[Commit]:
        """Commits from `ref` back, newest first; with a prefix only those that changed something below it."""
        ...

    def entries(self, ref: str, prefix: str = "") -> Iterator[Entry]:
        """Entries below a prefix in path order, of one commit even while others write."""
        ...

    def entry(self, ref: str, path: str) -> Entry | None:
        """One entry, or None."""
        ...

    def read(self, ref: str, path: str) -> bytes:
        """The bytes of one path, checked against their digest; PATH_NOT_FOUND, INTEGRITY."""
        ...

    def location(self, entry: Entry) -> str:
        """What DuckDB, PyAV and a browser can open: an absolute local path or an s3:// address of the object."""
        ...

    def diff(self, before: str, after: str, prefix: str = "") -> Iterator[Change]:
        """Paths that differ between two refs, in path order; the cost follows the change, not the lake."""
        ...

    def merge(
        self,
        source: str,
        into: str,
        *,
        metadata: Metadata | None = None,
        message: str = "",
        attempt: str | None = None,
        fence: Fence | None = None,
    ) -> str:
        """Lay on branch `into` what `source` changed since they parted; the new commit, with both as parents.

        What both sides changed alike is clean. MERGE_CONFLICT names the paths they changed differently, and leaves
        `into` untouched. Where `into` has all of `source` already its head is given back.
        """
        ...

    def transaction(
        self,
        branch: str,
        metadata: Metadata,
        *,
        message: str = "",
        attempt: str | None = None,
        fence: Fence | None = None,
    ) -> AbstractContextManager[Transaction]:
        """Stage, verify and publish with one compare-and-swap.

        `fence` is called last before the swap and raises FENCED when the writer must no longer publish. If the branch
        moved meanwhile the change is laid on the new head; a path that both sides changed differently is CONFLICT.
        """
        ...
