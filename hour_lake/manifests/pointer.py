"""What the `source` of a row means: a local file, an https address or an s3 object; everything else is refused.

A pointer is parsed by us alone: no media library ever sees it. Nothing is opened here but the folder entries of a path.
"""

import re
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from hour_lake.errors import SourceError
from hour_lake.manifests.redact import place, redacted

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.,_-]*):")
HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]+")  # a name, an IPv4 or an IPv6 address
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
KEY_BYTES = 1024  # S3's own limit
JOINERS = "\u200c\u200d"  # file names in Persian and with composed emoji have them


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
    after links are followed. Once `allowed_hosts` names anything, a bucket must be named there too: `s3://bucket`.
    """
    match checked_scheme(source):
        case "http" | "https":
            return checked_address(source, allowed_hosts=allowed_hosts, allow_http=allow_http)
        case "s3":
            return _object(source, allowed_hosts)
        case "file":
            return _local(_file_path(source), base, roots)
        case _:
            return _local(source, base, roots)


def checked_scheme(source: str) -> str:
    """The scheme of a pointer, "" for a path, judged by its text alone; URI_SCHEME, URI_FORBIDDEN, URI_CREDENTIALS."""
    _check_characters(source)
    match = SCHEME.match(source)
    scheme = match[1].lower() if match else ""
    if scheme not in ("", "http", "https", "s3", "file"):
        raise SourceError("URI_SCHEME", "this kind of pointer is not taken", value=scheme + ":",
                          fix="a path, https:// or s3://; a file name with a colon is written ./name")  # fmt: skip
    if scheme and "@" in re.split(r"[/?#]", source.partition("//")[2], maxsplit=1)[0]:
        raise SourceError("URI_CREDENTIALS", "the address holds a user name or password", value=redacted(source),
                          fix="take them out; use a presigned address or s3:// with a role")  # fmt: skip
    return scheme


def _check_characters(text: str) -> None:
    """Control, direction and line characters are refused; blanks of all kinds occur in real file names."""
    if text.isascii() and text.isprintable():
        return
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in JOINERS for c in text):
        raise SourceError("URI_FORBIDDEN", "the pointer has control or direction characters", value=redacted(text),
                          fix="take them out; rename the file if they are in its name")  # fmt: skip


def checked_address(address: str, *, allowed_hosts: Sequence[str], allow_http: bool) -> HttpPointer:
    """An http(s) address by its text alone; where it leads is checked when it is opened, at every redirect."""
    if checked_scheme(address) not in ("http", "https"):
        raise SourceError("URI_FORBIDDEN", "not an http(s) address", value=redacted(address), fix="use https://")
    try:
        parts = urlsplit(address)
        host = host_of(parts)
        netloc = f"[{host}]" if ":" in host else host
        netloc += f":{parts.port}" if parts.port is not None else ""
    except ValueError as error:
        raise SourceError(
            "URI_FORBIDDEN", "not an address", value=redacted(address), fix="https://host/path"
        ) from error
    if allowed_hosts and host not in {name.lower() for name in allowed_hosts}:
        raise SourceError("URI_FORBIDDEN", "this host is not allowed", value=host, where=place(address),
                          fix="add it to `allowed_hosts`")  # fmt: skip
    if parts.scheme == "http" and not allow_http:
        raise SourceError("URI_FORBIDDEN", "plain http is not taken", value=host, where=place(address),
                          fix="use https, or set `allow_http`")  # fmt: skip
    return HttpPointer(parts._replace(netloc=netloc, fragment="").geturl(), tuple(allowed_hosts), allow_http)


def host_of(parts: SplitResult) -> str:
    """The host in lower case and in ASCII (IDNA); ValueError when there is none that could be meant."""
    host = (parts.hostname or "").rstrip(".")
    name = host if host.isascii() else host.encode("idna").decode("ascii")
    if not HOST.fullmatch(name.lower()):
        raise ValueError(f"{host!r} is no host")
    return name.lower()


def _object(source: str, allowed_hosts: Sequence[str]) -> S3Pointer:
    # By hand: in a key, ? and # and a leading / are characters like any other.
    bucket, _, key = source.partition(":")[2].removeprefix("//").partition("/")
    if not BUCKET.fullmatch(bucket) or not 0 < len(key.encode()) <= KEY_BYTES:
        raise SourceError("URI_FORBIDDEN", "not an object", value=source, fix="s3://bucket/key")
    if allowed_hosts and f"s3://{bucket}" not in allowed_hosts:
        raise SourceError("URI_FORBIDDEN", "this bucket is not allowed", value=bucket,
                          fix=f"add s3://{bucket} to `allowed_hosts`")  # fmt: skip
    return S3Pointer(bucket, key)


def _file_path(source: str) -> str:
    parts = urlsplit(source)
    path = unquote(parts.path)
    _check_characters(path)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise SourceError("URI_FORBIDDEN", "not a file of this machine", value=source,
                          fix="write the path; ? and # in a file: address are %3F and %23")  # fmt: skip
    return path


def _local(text: str, base: Path, roots: Sequence[Path]) -> LocalPointer:
    try:
        path = (base / text).resolve()
    except RuntimeError as error:  # links that lead round in a circle
        raise SourceError(
            "PATH_FORBIDDEN", "the link leads to itself", value=text, fix="name the video itself"
        ) from error
    if not any(path.is_relative_to(root.resolve()) for root in (base, *roots)):
        raise SourceError("PATH_FORBIDDEN", "the file lies outside the allowed folders", value=text, where=str(path),
                          fix="put it below the manifest, or add its folder to `source_roots`")  # fmt: skip
    try:
        mode = path.stat().st_mode
    except PermissionError as error:
        raise SourceError("SOURCE_DENIED", "the file may not be read", value=text, where=str(path),
                          fix="give the worker's user the right to read it") from error  # fmt: skip
    except OSError as error:
        raise SourceError("SOURCE_MISSING", "there is no such file", value=text, where=str(path),
                          fix="check the path; relative ones start at the manifest's folder") from error  # fmt: skip
    if not stat.S_ISREG(mode):
        raise SourceError("PATH_FORBIDDEN", "not a regular file", value=text, where=str(path), fix="name a video file")
    return LocalPointer(path)
