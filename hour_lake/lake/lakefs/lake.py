"""The lake on a lakeFS server: what embedded lakes promise, by the server's documented interface alone."""

import os
import re
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Change, Commit, Entry, Fence, Lake, Metadata, S3Access
from hour_lake.lake.lakefs.access import access_from
from hour_lake.lake.lakefs.cache import FileCache, default_folder
from hour_lake.lake.lakefs.changes import changes
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.commits import Commits, check_metadata
from hour_lake.lake.lakefs.entries import Entries
from hour_lake.lake.lakefs.failures import NOT_FOUND
from hour_lake.lake.lakefs.files import local_file
from hour_lake.lake.lakefs.imports import import_objects
from hour_lake.lake.lakefs.merge import merge
from hour_lake.lake.lakefs.publish import Intent, Store
from hour_lake.lake.lakefs.rebase import Staged
from hour_lake.lake.lakefs.refs import Refs
from hour_lake.lake.lakefs.staging import Staging
from hour_lake.lake.lakefs.transaction import LakefsTransaction
from hour_lake.lake.lakefs.transfer import Transfer
from hour_lake.lake.lakefs.uploads import Known, Uploads
from hour_lake.lake.metadata import texts_of
from hour_lake.lake.names import COMMIT_ID, near
from hour_lake.lake.remote import RemoteOptions

SCHEME = "lakefs://"
REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")


class LakefsLake(Lake):
    """One repository of a server. Use `LakefsLake.open`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cache = FileCache(client.options.cache or default_folder(), client.options.cache_bytes)
        self.store = store_of(client)

    @staticmethod
    def open(address: str, options: RemoteOptions | None = None) -> "LakefsLake":
        """The lake at `lakefs://<repository>`, with the server and keys that the environment names.

        LAKE_ADDRESS, CONFIG_ENV_MISSING, CONFIG_PACKAGE_MISSING; STORE_MISSING for a repository that is not there.
        """
        repository = address.removeprefix(SCHEME).rstrip("/")
        if not address.startswith(SCHEME) or not REPOSITORY.fullmatch(repository):
            raise LakeError("LAKE_ADDRESS", "this names no repository", value=address,
                            fix="give an address like lakefs://talks, of one repository without a path")  # fmt: skip
        lake = LakefsLake(Client(repository, lambda: access_from(os.environ), options or RemoteOptions()))
        lake.check()
        return lake

    def check(self) -> None:
        """STORE_MISSING unless the repository is there; STORAGE_DENIED, STORAGE_UNAVAILABLE."""
        repository = self.client.repository
        try:
            self.client.ask(lambda api: api.repositories_api.get_repository(repository), where=repository)
        except LakeError as error:
            if error.code != NOT_FOUND:
                raise
            raise LakeError("STORE_MISSING", "the server has no such repository", value=repository,
                            where=self.client.access.endpoint,
                            fix=f"create it on the server: it needs a place to store to, as in lakectl repo create "
                                f"{SCHEME}{repository} s3://<bucket>/<folder>") from error  # fmt: skip

    def branches(self) -> Mapping[str, str]:
        """Branch names and the commits they stand at."""
        return self.store.refs.branches()

    def create_branch(self, name: str, source: str) -> str:
        """A new branch; REF_NAME_INVALID, REF_EXISTS, REF_NOT_FOUND."""
        return self.store.refs.create_branch(name, source)

    def delete_branch(self, name: str) -> None:
        """Drop a branch; REF_NOT_FOUND, BRANCH_PROTECTED, BRANCH_BUSY while something is open on it."""
        self.store.refs.delete_branch(name)

    def tags(self) -> Mapping[str, str]:
        """Tag names and their commits."""
        return self.store.refs.tags()

    def tag(self, name: str, ref: str) -> str:
        """A tag that never moves; REF_NAME_INVALID, REF_EXISTS, TAG_IMMUTABLE."""
        return self.store.refs.tag(name, ref)

    def resolve(self, ref: str) -> str:
        """The commit id of a ref; REF_NOT_FOUND lists near names."""
        return self.store.refs.resolve(ref)

    def log(self, ref: str, prefix: str = "", limit: int | None = None) -> Iterator[Commit]:
        """Commits from `ref` back, newest first; with a prefix those that the server finds to concern it."""
        return islice(self.store.commits.log(self.resolve(ref), prefix), limit)

    def landed(self, attempt: str, branch: str) -> Commit | None:
        """The commit that a transaction or merge with this attempt id published on a branch, if it did."""
        found = self.store.commits.landed(attempt, self.store.refs.head(branch))
        return found and found.commit

    def entries(self, ref: str, prefix: str = "") -> Iterator[Entry]:
        """Entries below a prefix in path order, of the commit that `ref` names now."""
        return self.store.entries.list(self.resolve(ref), prefix)

    def entry(self, ref: str, path: str) -> Entry | None:
        """One entry, or None."""
        return self.store.entries.get(self.resolve(ref), path)

    def read(self, ref: str, path: str) -> bytes:
        """The bytes of one path, checked against their digest; PATH_NOT_FOUND, INTEGRITY."""
        commit_id = self.resolve(ref)
        entry = self.store.entries.get(commit_id, path)
        if entry is None:
            siblings = (e.path for e in self.store.entries.list(commit_id, path.rpartition("/")[0]))
            raise LakeError("PATH_NOT_FOUND", "there is no such path", value=path, where=f"{ref} ({commit_id})",
                            fix=near(path, islice(siblings, 1000)))  # fmt: skip
        return self.store.transfer.read(commit_id, entry)

    def location(self, commit: str, entry: Entry) -> str:
        """`s3://<repository>/<commit>/<path>`, for clients of the S3 gateway."""
        return f"s3://{self.client.repository}/{self._commit_id(commit)}/{entry.path}"

    def local_file(self, commit: str, entry: Entry) -> Path:
        """A file of the cache with the object's bytes, fetched if need be; INTEGRITY, STORAGE_FULL."""
        return local_file(self.cache, self.store.transfer, self._commit_id(commit), entry)

    def s3(self) -> S3Access:
        """How the S3 gateway is reached: on the server's own address unless the options say another."""
        access = self.client.access
        gateway = self.client.options.s3_endpoint or access.endpoint
        address = urlsplit(gateway if "://" in gateway else f"{urlsplit(access.endpoint).scheme}://{gateway}")
        return S3Access(
            address.netloc, address.scheme == "https", access.key_id, access.secret_key, self.client.options.region,
            f"s3://{self.client.repository}/",
        )  # fmt: skip

    def diff(self, before: str, after: str, prefix: str = "") -> Iterator[Change]:
        """Paths that differ between the commits that two refs name now, in path order."""
        return changes(self.client, self.store.entries, self.resolve(before), self.resolve(after), prefix)

    @contextmanager
    def transaction(
        self,
        branch: str,
        metadata: Metadata,
        *,
        message: str = "",
        attempt: str | None = None,
        fence: Fence | None = None,
    ) -> Generator[LakefsTransaction]:
        """Stage on a branch of its own, verify, and publish by one merge; see `Lake.transaction`.

        An attempt id that has landed is not repeated, its commit is given back; ATTEMPT_REUSED for other changes.
        COMMIT_UNKNOWN only when the server can neither merge nor say whether it did.
        """
        intent = _intent(branch, metadata, message, attempt, fence)
        base = self.store.refs.head(branch)
        with (
            self.store.staging.open(branch, intent.attempt, base) as staging,
            Uploads.open(self.store.transfer, Known(self.store.entries, base), staging) as uploads,
        ):
            transaction = LakefsTransaction(self.store, intent, uploads, Staged(self.store, staging, base))
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
        return merge(self.store, self.resolve(source), _intent(into, metadata or {}, message, attempt, fence), leave)

    def import_objects(
        self, branch: str, sources: Mapping[str, str], metadata: Metadata, *, message: str = "",
        attempt: str | None = None, fence: Fence | None = None,
    ) -> str:  # fmt: skip
        """Commit objects that lie in the object store already by reference, without copying a byte; the commit.

        `sources` maps paths of the lake to addresses like `s3://raw/talk.mp4`. Their entries have the digest "", since
        nobody has read them. PATH_INVALID, IMPORT_FAILED, CONFLICT.
        """
        return import_objects(self.store, _intent(branch, metadata, message, attempt, fence), sources)

    def sweep(self, grace_seconds: float) -> int:
        """Drop the staging of transactions that began longer ago than that; how many there were."""
        return self.store.staging.sweep(grace_seconds)

    def _commit_id(self, ref: str) -> str:
        return ref if COMMIT_ID.fullmatch(ref) else self.resolve(ref)


def store_of(client: Client) -> Store:
    """The parts of a lake, joined."""
    commits, entries, staging = Commits(client), Entries(client), Staging(client)
    return Store(client, commits, entries, Transfer(client, entries), staging, Refs(client, commits, staging))


def _intent(branch: str, metadata: Metadata, message: str, attempt: str | None, fence: Fence | None) -> Intent:
    kept, named = check_metadata(texts_of(metadata)), attempt or uuid.uuid4().hex
    return Intent(branch, kept, message, named, fence, may_have_landed=attempt is not None)
