"""The lake of one machine: objects as files, refs, commits and trees in SQLite, open to many processes at once."""

import time
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.certain import write
from hour_lake.lake.commits import Commits
from hour_lake.lake.database import Database
from hour_lake.lake.diff import changes, differences
from hour_lake.lake.entries import unpacked
from hour_lake.lake.failpoints import reached
from hour_lake.lake.faults import storage_errors
from hour_lake.lake.filesystem import check_file_system
from hour_lake.lake.folders import make_folder
from hour_lake.lake.interface import Change, Commit, Entry, Fence, Lake, Metadata
from hour_lake.lake.merge import merge
from hour_lake.lake.metadata import MetadataBlocks, texts_of
from hour_lake.lake.migrate import migrate
from hour_lake.lake.names import near
from hour_lake.lake.nodes import EMPTY, Nodes, Ref
from hour_lake.lake.objects import Objects
from hour_lake.lake.pins import Pins
from hour_lake.lake.publish import Intent, Store
from hour_lake.lake.refs import MAIN, Refs
from hour_lake.lake.staging import Staging
from hour_lake.lake.transaction import EmbeddedTransaction
from hour_lake.lake.tree import find, scan

DATABASE = "lake.sqlite3"
FOLDERS = STAGING, OBJECTS, PINS = "staging", "objects", "pins"


class EmbeddedLake(Lake):
    """A lake in a folder: `lake.sqlite3`, `objects/`, `staging/`, `pins/`. Use `EmbeddedLake.open`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.staging = Staging(folder / STAGING)
        self.pins = Pins(folder / PINS)
        self.store = store_of(Database(folder / DATABASE), Objects(folder / OBJECTS))

    @staticmethod
    def open(folder: Path, *, create: bool = True) -> "EmbeddedLake":
        """The lake in a folder, made if need be.

        STORE_MISSING, STORE_UNSUPPORTED_FS, STORE_TOO_NEW, STORE_CORRUPT, STORAGE_FULL, STORAGE_IO.
        """
        folder = folder.absolute()
        with storage_errors(folder):
            check_file_system(folder)
            exists = (folder / DATABASE).exists()
            if not exists and not create:
                raise LakeError("STORE_MISSING", "there is no lake in this folder", where=str(folder),
                                fix="run `hour-lake init`")  # fmt: skip
            for needed in FOLDERS:
                make_folder(folder / needed)
            if not exists:
                reached("create.folders_made")
                Database.create(folder / DATABASE, _begin, drafts=folder / STAGING)
            lake = EmbeddedLake(folder)
            lake.store.database.check_format()
            migrate(lake.store.database)
        return lake

    def branches(self) -> Mapping[str, str]:
        """Branch names and the commits they stand at."""
        return self.store.refs.all("branch")

    def create_branch(self, name: str, source: str) -> str:
        """A new branch, one row; REF_NAME_INVALID, REF_EXISTS, REF_NOT_FOUND."""

        def create() -> str:
            commit_id = self.resolve(source)
            reached("branch.locked")
            self.store.refs.create_branch(name, commit_id)
            reached("branch.written")
            return commit_id

        return write(self.store.database, create, landed=lambda _: name in self.branches(), what=name)

    def delete_branch(self, name: str) -> None:
        """Drop a branch; BRANCH_BUSY while a transaction is open on it, BRANCH_PROTECTED for main."""
        if busy := self.staging.open_on(name):
            raise LakeError("BRANCH_BUSY", f"{busy} open transactions write to this branch", value=name,
                            fix="wait for the runs that write to it")  # fmt: skip
        reached("delete.not_busy")

        def delete() -> str:
            self.store.refs.delete_branch(name)
            reached("delete.written")
            return name

        write(self.store.database, delete, landed=lambda _: name not in self.branches(), what=name)

    def tags(self) -> Mapping[str, str]:
        """Tag names and their commits."""
        return self.store.refs.all("tag")

    def tag(self, name: str, ref: str) -> str:
        """A tag that never moves; REF_NAME_INVALID, REF_EXISTS, TAG_IMMUTABLE."""

        def tag() -> str:
            commit_id = self.resolve(ref)
            reached("tag.locked")
            self.store.refs.tag(name, commit_id)
            reached("tag.written")
            return commit_id

        return write(self.store.database, tag, landed=lambda wanted: self.tags().get(name) == wanted, what=name)

    def resolve(self, ref: str) -> str:
        """The commit id of a ref; REF_NOT_FOUND lists near names."""
        return self.store.refs.resolve(ref)

    @contextmanager
    def pinned(self, ref: str) -> Generator[str]:
        """Hold a commit and all before it against collection; REF_NOT_FOUND. A dead process holds nothing."""
        with self.pins.held(lambda: self.resolve(ref)) as commit_id:
            yield commit_id

    def log(self, ref: str, prefix: str = "", limit: int | None = None) -> Iterator[Commit]:
        """Commits from `ref` back, newest first; with a prefix those that differ below it from all their parents."""
        found = self.store.commits.back_from(self.resolve(ref))
        return islice((s.commit for s in found if not prefix or self._touches(s.commit, s.root, prefix)), limit)

    def landed(self, attempt: str, branch: str) -> Commit | None:
        """The commit that a transaction or merge with this attempt id published, if it did."""
        found = self.store.commits.by_attempt(attempt)
        return found and found.commit

    def entries(self, ref: str, prefix: str = "") -> Iterator[Entry]:
        """Entries below a prefix in path order, of the commit that `ref` names now."""
        return unpacked(self.store.blocks, scan(self.store.nodes, self._root(ref), key_of(prefix)))

    def entry(self, ref: str, path: str) -> Entry | None:
        """One entry, or None."""
        found = find(self.store.nodes, self._root(ref), [key_of(path)])
        return next(unpacked(self.store.blocks, found.values()), None)

    def read(self, ref: str, path: str) -> bytes:
        """The bytes of one path, checked against their digest; PATH_NOT_FOUND, INTEGRITY."""
        commit_id = self.resolve(ref)
        entry = self.entry(commit_id, path)
        if entry is None:
            siblings = (e.path for e in self.entries(commit_id, path.rpartition("/")[0]))
            raise LakeError("PATH_NOT_FOUND", "there is no such path", value=path, where=f"{ref} ({commit_id})",
                            fix=near(path, islice(siblings, 1000)))  # fmt: skip
        with storage_errors(self.folder):
            return self.store.objects.read(entry.digest, where=f"{path} of {ref} ({commit_id})")

    def location(self, commit: str, entry: Entry) -> str:
        """The absolute path of the object's file."""
        return str(self.local_file(commit, entry))

    def local_file(self, commit: str, entry: Entry) -> Path:
        """The object's file, whatever the commit; its bytes are not checked here."""
        return self.store.objects.path(entry.digest)

    def s3(self) -> None:
        """All locations are local files."""

    def diff(self, before: str, after: str, prefix: str = "") -> Iterator[Change]:
        """Paths that differ between the commits that two refs name now, in path order."""
        pairs = differences(self.store.nodes, self._root(before), self._root(after), key_of(prefix))
        return changes(self.store.blocks, pairs)

    @contextmanager
    def transaction(
        self,
        branch: str,
        metadata: Metadata,
        *,
        message: str = "",
        attempt: str | None = None,
        fence: Fence | None = None,
    ) -> Generator[EmbeddedTransaction]:
        """Stage, verify and publish with one compare-and-swap; see `Lake.transaction`.

        An attempt id that has landed is not repeated, its commit is given back; ATTEMPT_REUSED for other changes.
        COMMIT_UNKNOWN only when the store can neither commit nor say whether it did.
        """
        intent = Intent(branch, texts_of(metadata), message, attempt or uuid.uuid4().hex, fence)
        with self.staging.open(branch, self.store.objects) as staged:
            transaction = EmbeddedTransaction(self.store, intent, staged)
            yield transaction
            transaction.publish()

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
        """Lay on branch `into` what `source` changed since they parted; MERGE_CONFLICT leaves it untouched."""
        message = message or f"merge {source} into {into}"
        intent = Intent(into, texts_of(metadata or {}), message, attempt or uuid.uuid4().hex, fence)
        return merge(self.store, self.resolve(source), intent, [key_of(prefix) for prefix in leave])

    def _root(self, ref: str) -> Ref:
        return self.store.commits.get(self.resolve(ref)).root

    def _touches(self, commit: Commit, root: Ref, prefix: str) -> bool:
        parents = [self.store.commits.get(parent).root for parent in commit.parents] or [EMPTY]
        return all(any(differences(self.store.nodes, parent, root, key_of(prefix))) for parent in parents)


def key_of(path: str) -> bytes:
    """A path as the tree keeps it; half characters, which no path has, are asked for and not found."""
    return path.encode("utf-8", "surrogatepass")


def store_of(database: Database, objects: Objects) -> Store:
    """The parts of a lake, joined."""
    commits = Commits(database)
    return Store(database, Nodes(database), MetadataBlocks(database), commits, Refs(database, commits), objects)


def _begin(database: Database) -> None:
    """The first commit of a new lake, empty, with `main` at it."""
    commits = Commits(database)
    root = commits.append(
        EMPTY, [], branch=MAIN, attempt=uuid.uuid4().hex, changes=b"", message="a new lake", metadata={},
        created_ms=time.time_ns() // 1_000_000,
    )  # fmt: skip
    Refs(database, commits).create_branch(MAIN, root)
