"""What every lake can do: refs, commits, entries and write-audit-publish transactions; no implementation is here."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Metadata = Mapping[str, str]
Fence = Callable[[], None]


@dataclass(frozen=True)
class Entry:
    """One path of one commit: which object it is, and what was said about it when it was written."""

    path: str
    digest: str  # sha256 of the content, 64 hex digits; "" for what others put on a server, which nobody has read
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


@dataclass(frozen=True)
class S3Access:
    """What a client of S3 needs to read one lake; `scope` is the address that the keys are for."""

    endpoint: str  # host:port
    use_tls: bool
    access_key: str
    secret_key: str = field(repr=False)
    region: str
    scope: str  # s3://<repository>/


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

    @contextmanager
    def pinned(self, ref: str) -> Generator[str]:
        """Hold the commit that `ref` names now for as long as the block lasts, whoever deletes branches meanwhile.

        No collection takes what it reaches, also while other processes run one. A lake without pins only resolves the
        ref: on lakeFS the server's own rules of retention apply.
        """
        yield self.resolve(ref)

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

    def location(self, commit: str, entry: Entry) -> str:
        """What DuckDB can open: the absolute path of a local file, or `s3://<repository>/<commit>/<path>`."""
        ...

    def local_file(self, commit: str, entry: Entry) -> Path:
        """A file of this machine with the object's bytes, only for reading: for decoders, which want a real file.

        A remote lake keeps a bounded cache of what was fetched; INTEGRITY when the bytes are not what was stored.
        """
        ...

    def s3(self) -> "S3Access | None":
        """How `s3://` locations are reached; None when all locations are local files."""
        ...

    def landed(self, attempt: str, branch: str) -> Commit | None:
        """The commit that a transaction or merge with this attempt id published on a branch, if it did."""
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
        leave: Sequence[str] = (),
    ) -> str:
        """Lay on branch `into` what `source` changed since they parted; the new commit, with both as parents.

        What both sides changed alike is clean. MERGE_CONFLICT names the paths they changed differently, and leaves
        `into` untouched. Where `into` has all of `source` already its head is given back. Where both sides changed
        something, paths below the prefixes `leave` stay as `into` has them: what is derived is made again, not merged.
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
