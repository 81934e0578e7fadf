"""The object store behind the server: physical addresses, the files they stand for, and presigned URLs to them.

s3://<bucket>/<key>  in a repository's storage namespace  ->  ROOT/<repository>/data/<id>
                     anywhere else                        ->  S3_ROOT/<bucket>/<key>, only read
"""

import hashlib
import hmac
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlencode

from hour_lake_tests.lakefs_server.repository import Repository
from hour_lake_tests.lakefs_server.settings import Settings

PREFIX = "/_store/"
DATA = "data/"


class Presigned(NamedTuple):
    """A URL that works without keys until `expires`, in seconds since 1970."""

    url: str
    expires: int


class Found(NamedTuple):
    """An object of the store below some address."""

    address: str
    file: Path


class Store:
    """Where the bytes are; `repositories` is the server's own map."""

    def __init__(self, settings: Settings, repositories: Mapping[str, Repository]) -> None:
        self.settings = settings
        self.repositories = repositories

    def new_address(self, repository: Repository) -> str:
        """An address in the repository's namespace that nothing stands at yet."""
        return f"{_namespace(repository)}{DATA}{uuid.uuid4().hex}"

    def own_file(self, address: str) -> Path | None:
        """The file for an address in a repository's namespace, whether or not it is there; None for all others."""
        for repository in list(self.repositories.values()):
            start = f"{_namespace(repository)}{DATA}"
            rest = address.removeprefix(start)
            if rest != address and rest.isalnum():
                return repository.folder / "data" / rest
        return None

    def file(self, address: str) -> Path | None:
        """The file for an address; None when nothing is there."""
        found = self.own_file(address) or self._outside(address)
        return found if found is not None and found.is_file() else None

    def below(self, address: str) -> Iterator[Found]:
        """Objects outside of all namespaces whose addresses begin with this one, in order."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        folder = self._outside(f"s3://{bucket}/")
        if folder is None or not folder.is_dir():
            return
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if file.is_file() and name.startswith(key):
                yield Found(f"s3://{bucket}/{name}", file)

    def presigned(self, method: str, address: str, host: str) -> Presigned:
        """A URL at which an object can be read (GET) or written (PUT) for a while."""
        expires = int(time.time() + self.settings.presign_seconds)
        scheme, _, rest = address.partition("://")
        query = urlencode(
            {"scheme": scheme, "expires": expires, "signature": self._signature(method, address, expires)}
        )
        return Presigned(f"http://{host}{PREFIX}{quote(rest)}?{query}", expires)

    def address_of(self, raw_path: str, scheme: str) -> str:
        """The address in a presigned URL."""
        return f"{scheme}://{unquote(raw_path.removeprefix(PREFIX))}"

    def is_signed(self, method: str, address: str, expires: str, signature: str) -> bool:
        """Whether a URL carries our signature for this; its time may be over all the same."""
        wanted = self._signature("GET" if method == "HEAD" else method, address, int(expires))
        return hmac.compare_digest(wanted, signature)

    def _signature(self, method: str, address: str, expires: int) -> str:
        text = f"{method}\n{address}\n{expires}"
        return hmac.new(self.settings.secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()

    def _outside(self, address: str) -> Path | None:
        rest = address.removeprefix("s3://")
        if self.settings.s3_root is None or rest == address or rest.startswith("/") or ".." in rest.split("/"):
            return None
        return self.settings.s3_root / rest


def checksum_of_import(file: Path) -> str:
    """An ETag like S3 gives objects that came in parts: it tells versions apart, but is no digest of the content."""
    stat = file.stat()
    return hashlib.md5(f"{stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest() + "-2"


def _namespace(repository: Repository) -> str:
    return repository.facts["storage_namespace"].rstrip("/") + "/"
