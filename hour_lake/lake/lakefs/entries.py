"""Entries of a commit, by page, by path, or many by path.

What we write carries two texts of user metadata: the sha256 of its content, and our metadata as one JSON text in
ASCII, so that neither headers nor the server's rules for keys can bite; compressed where it is long, since an object's
user metadata may have 2 KB in all. An object that others uploaded or imported has neither: its digest is "" (nobody
knows it before it is read), its metadata is the server's.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Entry
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.failures import NOT_FOUND, REFUSED
from hour_lake.lake.lakefs.pages import PAGE, paged
from hour_lake.lake.metadata import canonical

if TYPE_CHECKING:
    from lakefs_sdk.models.object_stats import ObjectStats

DIGEST = "hour-lake-sha256"
METADATA = "hour-lake-metadata"
COMPRESSED = "hour-lake-metadata-zlib"  # the same in base64 of zlib
USER_METADATA_BYTES = 2048  # S3's limit on keys and values together, which servers of lakeFS have come to enforce
WORTH_A_PAGE = 20  # so many of a page's entries must be wanted ones, or the others are looked up one by one


def texts_for(entry: Entry) -> dict[str, str]:
    """The user metadata that an entry is stored with; METADATA_LIMIT when it cannot be made to fit."""
    texts = {DIGEST: entry.digest}
    if not entry.metadata:
        return texts
    plain = canonical(entry.metadata)
    texts[METADATA] = plain.decode()
    if _size_bytes(texts) > USER_METADATA_BYTES:
        texts = {DIGEST: entry.digest, COMPRESSED: base64.b64encode(zlib.compress(plain, 9)).decode()}
    if _size_bytes(texts) > USER_METADATA_BYTES:
        raise LakeError("METADATA_LIMIT", f"objects on lakeFS carry at most {USER_METADATA_BYTES} bytes of metadata",
                        value=f"{_size_bytes(texts)} bytes compressed", where=entry.path,
                        fix="put the longest of it into the object itself")  # fmt: skip
    return texts


def _size_bytes(texts: Mapping[str, str]) -> int:
    return sum(len(text) for pair in texts.items() for text in pair)


def entry_of(told: "ObjectStats") -> Entry:
    """What the server says of an object, as an entry; STORE_CORRUPT when our metadata in it is not what we wrote."""
    return entry_from(told.path, told.size_bytes or 0, told.metadata)


def entry_from(path: str, size_bytes: int, kept: Mapping[str, str] | None) -> Entry:
    """An entry from its user metadata; servers may spell the keys with capitals, as headers are."""
    texts = ours(kept)
    if texts is None:
        return Entry(path, "", size_bytes, dict(kept or {}))
    try:
        packed = texts.get(COMPRESSED)
        plain = texts.get(METADATA, "{}") if packed is None else zlib.decompress(base64.b64decode(packed))
        return Entry(path, texts[DIGEST], size_bytes, json.loads(plain))
    except (ValueError, zlib.error) as error:
        raise LakeError("STORE_CORRUPT", "an object's metadata is altered", where=path) from error


def ours(kept: Mapping[str, str] | None) -> dict[str, str] | None:
    """What we said of an object among its user metadata; None if it is not from us."""
    texts = {key.lower(): text for key, text in (kept or {}).items() if key.lower() in (DIGEST, METADATA, COMPRESSED)}
    return texts if DIGEST in texts else None


def alike(one: Entry | None, other: Entry | None) -> bool:
    """Whether two entries of a path say the same; of those whose content nobody knows that cannot be said."""
    if one is None or other is None:
        return one is other
    return one == other and one.digest != ""


class Entries:
    """Entries of one repository's commits."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def list(self, commit_id: str, prefix: str = "", after: str = "") -> Iterator[Entry]:
        """Entries below a prefix, in path order."""
        if not askable(prefix):
            return iter(())
        return map(entry_of, paged(lambda after, amount: self.page(commit_id, prefix, after, amount), after=after))

    def page(self, commit_id: str, prefix: str, after: str, amount: int):  # noqa: ANN201
        """One page of the server's listing."""
        return self.client.ask(
            lambda api: api.objects_api.list_objects(
                self.client.repository, commit_id, user_metadata=True, after=after, amount=amount, prefix=prefix
            ),
            where=f"{commit_id}/{prefix}",
        )

    def get(self, commit_id: str, path: str) -> Entry | None:
        """One entry, or None."""
        told = self.stat(commit_id, path)
        return told and entry_of(told)

    def stat(self, commit_id: str, path: str, *, presign: bool = False) -> "ObjectStats | None":
        """What the server says of one path; with `presign` its address is one that can be read."""
        if not path or not askable(path):
            return None
        try:
            return self.client.ask(
                lambda api: api.objects_api.stat_object(
                    self.client.repository, commit_id, path, user_metadata=True, presign=presign
                ),
                where=f"{commit_id}/{path}",
            )
        except LakeError as error:
            if error.code in (NOT_FOUND, REFUSED):
                return None
            raise

    def at(self, commit_id: str, paths: Sequence[str]) -> dict[str, Entry]:
        """Entries of those `paths` (ascending) that are there: by pages where they lie close, else one by one.

        A page holds a thousand: 500 neighbours cost one request, 500 scattered ones one each, some at a time.
        """
        found: dict[str, Entry] = {}
        rest = list(paths)
        while len(rest) > WORTH_A_PAGE:
            page = self.page(commit_id, "", rest[0][:-1], PAGE)
            entries = {told.path: told for told in page.results}
            last = page.results[-1].path if page.pagination.has_more else None
            seen = [path for path in rest if last is None or path <= last]
            found |= {path: entry_of(entries[path]) for path in seen if path in entries}
            rest = rest[len(seen) :]
            if last is not None and len(seen) < WORTH_A_PAGE:
                break
        singly = self.client.threads.map(lambda path: self.get(commit_id, path), rest)
        return found | {entry.path: entry for entry in singly if entry}


def askable(text: str) -> bool:
    """Whether a text can be sent at all: half characters cannot, and NUL is in no path."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
