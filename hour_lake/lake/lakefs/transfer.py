"""Bytes to and from the server: through its object interface, or straight to the object store by presigned URLs."""

import hashlib
import json
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urlencode

from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Entry
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.entries import Entries, texts_for
from hour_lake.lake.lakefs.failures import NOT_FOUND
from hour_lake.lake.lakefs.patience import Patience

if TYPE_CHECKING:
    from lakefs_sdk.client import LakeFSClient
    from lakefs_sdk.models.object_stats import ObjectStats
    from lakefs_sdk.models.staging_location import StagingLocation

AUTHENTICATION = ["basic_auth"]
META_HEADER = "x-lakefs-meta-"
CHUNK_BYTES = 1 << 20
SLOWEST_BYTES_PER_SECOND = 64 << 10
TRIES = 3  # of a body that comes short or altered
DENIED = 403
CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Content:
    """What is to be uploaded, with what it must be when it has arrived."""

    data: bytes | Path
    size_bytes: int
    sha256: str
    md5: str  # what servers and object stores give back as checksum

    def open(self) -> Any:
        """The bytes from their beginning; a context manager."""
        return nullcontext(self.data) if isinstance(self.data, bytes) else self.data.open("rb")


class Damaged(Exception):
    """A body that is short or not what was stored."""


class Transfer:
    """Uploads and downloads of one repository."""

    def __init__(self, client: Client, entries: Entries) -> None:
        self.client = client
        self.entries = entries

    def upload(self, branch: str, entry: Entry, content: Content) -> None:
        """Put an object on a branch that nobody else writes to, and verify it; INTEGRITY."""
        where, texts = f"{branch}/{entry.path}", texts_for(entry)
        send = _send_presigned if self.client.options.presigned else _send
        told = self.client.ask(
            lambda api: send(api, self.client.repository, branch, entry.path, content, texts), where=where
        )
        if told.size_bytes != content.size_bytes or told.checksum.strip('"') not in (content.md5, content.sha256):
            self._verify(branch, entry)  # not every object store's checksum is the MD5

    def describe(self, branch: str, entry: Entry) -> None:
        """Say something else about the object that is at a path."""
        from lakefs_sdk.models.update_object_user_metadata import UpdateObjectUserMetadata

        texts = UpdateObjectUserMetadata(set=texts_for(entry))
        self.client.ask(
            lambda api: api.objects_api.update_object_user_metadata(self.client.repository, branch, entry.path, texts),
            where=f"{branch}/{entry.path}",
        )

    def read(self, commit_id: str, entry: Entry) -> bytes:
        """All bytes of an entry, checked; INTEGRITY."""
        sink = BytesIO()
        self.fetch(commit_id, entry, sink)
        return sink.getvalue()

    def fetch(self, commit_id: str, entry: Entry, sink: BinaryIO) -> str:
        """Write an entry's bytes to a file that can be begun again; their sha256. INTEGRITY if others come."""
        patience, damage = Patience(self.client.options.patience_seconds), ""
        for _ in range(TRIES):
            try:
                return self._fetch(commit_id, entry, sink)
            except Damaged as error:
                damage = str(error)
            if not patience.wait():
                break
        raise LakeError("INTEGRITY", "an object is not what was stored", value=damage,
                        where=f"{entry.path} of {commit_id}", fix="make it again with refresh")  # fmt: skip

    def _fetch(self, commit_id: str, entry: Entry, sink: BinaryIO) -> str:
        receive = self._presigned if self.client.options.presigned else self._through
        try:
            digest, size_bytes = self.client.ask(
                lambda api: receive(api, commit_id, entry, sink), where=f"{commit_id}/{entry.path}"
            )
        except LakeError as error:
            if error.code == NOT_FOUND:
                raise Damaged("it is missing") from error
            raise
        if size_bytes != entry.size_bytes:
            raise Damaged(f"{size_bytes} bytes of {entry.size_bytes}")
        if entry.digest and digest != entry.digest:
            raise Damaged(f"{entry.digest}, found {digest}")
        return digest

    def _through(self, api: "LakeFSClient", commit_id: str, entry: Entry, sink: BinaryIO) -> tuple[str, int]:
        path = f"/repositories/{quote(self.client.repository)}/refs/{quote(commit_id)}/objects"
        return self._received(_request(api, "GET", _url(api, path, {"path": entry.path}), _keys(api)), entry, sink)

    def _presigned(self, api: "LakeFSClient", commit_id: str, entry: Entry, sink: BinaryIO) -> tuple[str, int]:
        told = self.entries.stat(commit_id, entry.path, presign=True)
        if told is None:
            raise Damaged("it is missing")
        with _expiry(entry.path):
            return self._received(_request(api, "GET", told.physical_address, {}), entry, sink)

    def _received(self, answer: Any, entry: Entry, sink: BinaryIO) -> tuple[str, int]:
        """Digest and size of a body, while it is written; HTTPError when it stops or comes too slowly."""
        limit = self.client.options.timeout_seconds + entry.size_bytes / SLOWEST_BYTES_PER_SECOND
        until, digest, size_bytes = time.monotonic() + limit, hashlib.sha256(), 0
        sink.seek(0)
        sink.truncate()
        try:
            while chunk := answer.read1(CHUNK_BYTES):
                digest.update(chunk)
                size_bytes += sink.write(chunk)
                if time.monotonic() > until:
                    raise HTTPError("the body comes too slowly")
        except HTTPError as error:
            answer.close()
            if isinstance(error, ProtocolError) and any(isinstance(reason, IncompleteRead) for reason in error.args):
                raise Damaged(f"{size_bytes} bytes of {entry.size_bytes}") from None
            raise
        finally:
            answer.release_conn()
        return digest.hexdigest(), size_bytes

    def _verify(self, branch: str, entry: Entry) -> None:
        try:
            self._fetch(branch, entry, BytesIO())
        except Damaged as error:
            raise LakeError("INTEGRITY", "an upload did not arrive as it was sent", value=str(error), where=entry.path,
                            fix="run again") from error  # fmt: skip


def _send(
    api: "LakeFSClient", repository: str, branch: str, path: str, content: Content, texts: dict[str, str]
) -> "ObjectStats":
    """One request; the package's own way would hold a file in memory twice."""
    from lakefs_sdk.models.object_stats import ObjectStats

    headers = {META_HEADER + key: text for key, text in texts.items()}
    url = _url(api, f"/repositories/{quote(repository)}/branches/{quote(branch)}/objects", {"path": path})
    return ObjectStats.parse_obj(json.loads(_put(api, "POST", url, content, {**headers, **_keys(api)}).data))


def _send_presigned(
    api: "LakeFSClient", repository: str, branch: str, path: str, content: Content, texts: dict[str, str]
) -> "ObjectStats":
    """Three requests: where to, the bytes to there, and the link to the path."""
    from lakefs_sdk.models.staging_metadata import StagingMetadata

    place: StagingLocation = api.staging_api.get_physical_address(repository, branch, path, presign=True)
    with _expiry(path):
        answer = _put(api, "PUT", str(place.presigned_url), content, {})
    checksum = answer.headers.get("ETag", "").strip('"')
    linked = StagingMetadata(
        staging=place, checksum=checksum, size_bytes=content.size_bytes, user_metadata=texts, content_type=CONTENT_TYPE
    )
    return api.staging_api.link_physical_address(repository, branch, path, linked)


def _put(api: "LakeFSClient", method: str, url: str, content: Content, headers: dict[str, str]) -> Any:
    sent = {**headers, "Content-Type": CONTENT_TYPE, "Content-Length": str(content.size_bytes)}
    with content.open() as body:
        answer = _request(api, method, url, sent, body)
        answer.read(cache_content=True)
        return answer


def _request(api: "LakeFSClient", method: str, url: str, headers: dict[str, str], body: Any = None) -> Any:
    """A request with a body that streams; a refusal is raised as the package would."""
    from lakefs_sdk.exceptions import ApiException
    from lakefs_sdk.rest import RESTResponse

    rest: Any = api.objects_api.api_client.rest_client
    answer = rest.pool_manager.request(
        method, url, headers=headers, body=body, preload_content=False, timeout=rest.limits
    )
    if not 200 <= answer.status <= 299:
        raise ApiException(http_resp=RESTResponse(answer))
    return answer


def _url(api: "LakeFSClient", path: str, query: dict[str, str]) -> str:
    return f"{api.objects_api.api_client.configuration.host}{path}?{urlencode(query)}"


def _keys(api: "LakeFSClient") -> dict[str, str]:
    headers = dict(api.objects_api.api_client.default_headers)
    api.objects_api.api_client.update_params_for_auth(headers, None, AUTHENTICATION, "", "", None)
    return headers


@contextmanager
def _expiry(path: str) -> Generator[None]:
    """CREDENTIALS_EXPIRED when the object store refuses a presigned URL."""
    from lakefs_sdk.exceptions import ApiException

    try:
        yield
    except ApiException as error:
        if error.status != DENIED:
            raise
        raise LakeError("CREDENTIALS_EXPIRED", "the object store does not take a presigned URL", where=path,
                        fix="run again; see whether the clocks agree") from None  # fmt: skip
