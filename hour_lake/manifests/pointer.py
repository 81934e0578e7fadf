"""What the `source` of a row means: a local file, an https address or an s3 object; everything else is refused.

A pointer is parsed by us alone: no media library ever sees it. Nothing is opened here but the folder entries of a path.
"""

import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hour_lake.errors import SourceError

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.,_-]*):")


@dataclass(frozen=True)
class LocalPointer:
    """A regular file below an allowed folder, with all links resolved."""

    path: Path


@dataclass(frozen=True)
class HttpPointer:
    """An address; `allowed_hosts` are the only ones it may lead to (any public one when empty), also by redirects."""

    address: str
    allowed_hosts: tuple[str, ...] = ()
    allow_http: bool = False


@dataclass(frozen=True)
class S3Pointer:
    """An object."""

    bucket: str
    key: str


Pointer = LocalPointer | HttpPointer | S3Pointer


def parse_pointer(
    source: str, *, base: Path, roots: Sequence[Path] = (), allowed_hosts: Sequence[str] = (), allow_http: bool = False
) -> Pointer:
    """The pointer that a text means; URI_SCHEME, URI_FORBIDDEN, URI_CREDENTIALS, PATH_FORBIDDEN, SOURCE_MISSING.

    Relative paths start at `base`, the manifest's own folder. A path must lie below `base` or one of `roots`, also
    after links are followed.
    """
    if any(not character.isprintable() for character in source):
        raise SourceError("URI_FORBIDDEN", "the pointer has control characters", value=source, fix="write it plainly")
    match = SCHEME.match(source)
    scheme = match[1].lower() if match else ""
    if scheme in ("http", "https"):
        return checked_address(source, allowed_hosts=allowed_hosts, allow_http=allow_http)
    if scheme == "s3":
        return _object(source)
    if scheme == "file":
        source = unquote(urlsplit(source).path)
    elif scheme:
        raise SourceError("URI_SCHEME", "this kind of pointer is not taken", value=scheme + ":",
                          fix="a path, https:// or s3://")  # fmt: skip
    return _local(source, base, roots)


def checked_address(address: str, *, allowed_hosts: Sequence[str], allow_http: bool) -> HttpPointer:
    """An http(s) address by its text alone; where it leads is checked when it is opened, at every redirect."""
    try:
        parts = urlsplit(address)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise SourceError("URI_FORBIDDEN", "not an address", value=address, fix="check it") from error
    if parts.username or parts.password:
        shown = f"{parts.scheme}://***@{host}{parts.path}"
        raise SourceError("URI_CREDENTIALS", "the address holds a user name or password", value=shown,
                          fix="take them out; use a presigned address or s3:// with a role")  # fmt: skip
    if not host or (allowed_hosts and host not in allowed_hosts):
        raise SourceError("URI_FORBIDDEN", "this host is not allowed", value=host, fix="add it to `allowed_hosts`")
    if parts.scheme == "http" and not allow_http and host not in allowed_hosts:
        raise SourceError("URI_FORBIDDEN", "plain http is not taken", value=host, fix="use https, or set `allow_http`")
    return HttpPointer(address, tuple(allowed_hosts), allow_http)


def _object(source: str) -> S3Pointer:
    parts = urlsplit(source)
    if "@" in parts.netloc:
        raise SourceError("URI_CREDENTIALS", "the address holds credentials", value=f"s3://***@{parts.hostname}",
                          fix="take them out; use a role or the environment")  # fmt: skip
    if not parts.netloc or not parts.path.strip("/"):
        raise SourceError("URI_FORBIDDEN", "not an object", value=source, fix="s3://bucket/key")
    return S3Pointer(parts.netloc, parts.path.lstrip("/"))


def _local(text: str, base: Path, roots: Sequence[Path]) -> LocalPointer:
    path = (base / text).resolve()
    if not any(path.is_relative_to(root.resolve()) for root in (base, *roots)):
        raise SourceError("PATH_FORBIDDEN", "the file lies outside the allowed folders", value=text, where=str(path),
                          fix="put it below the manifest, or add its folder to `source_roots`")  # fmt: skip
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SourceError("SOURCE_MISSING", "there is no such file", value=text, where=str(path),
                          fix="check the path; relative ones start at the manifest's folder") from error  # fmt: skip
    if not stat.S_ISREG(mode):
        raise SourceError("PATH_FORBIDDEN", "not a regular file", value=text, where=str(path), fix="name a video file")
    return LocalPointer(path)
