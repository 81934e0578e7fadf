"""Bringing a raw video to this machine: a local file is used where it lies, a remote one is copied into a cache."""

import errno
import hashlib
import os
import stat
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hour_lake.errors import SourceError
from hour_lake.manifests.http import open_address
from hour_lake.manifests.incoming import Incoming
from hour_lake.manifests.pointer import HttpPointer, LocalPointer, Pointer, S3Pointer
from hour_lake.manifests.redact import place, unsigned
from hour_lake.manifests.s3 import open_object
from hour_lake.settings import Limits

CHUNK_BYTES = 1 << 20
FULL = {"ENOSPC", "EDQUOT", "EFBIG"}


@dataclass(frozen=True)
class LocalFile:
    """A raw video on this machine; `signature` changes when the file is written to."""

    path: Path
    size_bytes: int
    signature: str


def signature(pointer: Pointer) -> str:
    """What tells a known video from a changed one without reading it: size and time of a local file, else the address.

    A remote address (without its signature, if it is a presigned one) is taken to stand for one content; a new content
    needs a new address or a declared sha256.
    """
    match pointer:
        case LocalPointer(path):
            return file_signature(path)
        case HttpPointer(address):
            return unsigned(address)
        case S3Pointer(bucket, key):
            return f"s3://{bucket}/{key}"


def file_signature(path: Path) -> str:
    """Size and modification time of a file."""
    return _signature_of(path.stat())


def _signature_of(about: os.stat_result) -> str:
    return f"{about.st_size}-{about.st_mtime_ns}"


def localise(pointer: Pointer, *, cache: Path, limits: Limits, sha256: str | None = None) -> LocalFile:
    """A readable local file, of the declared sha256 if there is one.

    LIMIT_BYTES, LIMIT_WALL, SOURCE_CHANGED, SOURCE_MISSING, SOURCE_DENIED, SOURCE_UNPROVED (nothing tells whether the
    content came whole), SOURCE_UNAVAILABLE, STORAGE_FULL, STORAGE_IO (these may pass), URI_FORBIDDEN, PATH_FORBIDDEN.
    """
    if isinstance(pointer, LocalPointer):
        return _checked(pointer.path, limits, sha256)
    path = cache / (sha256 or "by-address-" + hashlib.sha256(signature(pointer).encode()).hexdigest())
    if not path.is_file() or (sha256 is not None and _digest(path) != sha256):
        _fetch(pointer, path, limits, sha256)
    return LocalFile(path, path.stat().st_size, file_signature(path))


def _checked(path: Path, limits: Limits, sha256: str | None) -> LocalFile:
    where = str(path)
    try:
        # Not through a link and not waiting on a pipe that was put there since the pointer was parsed.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise SourceError("SOURCE_MISSING", "the file is gone", where=where, fix="put it back") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _no_file(where) from error
        raise SourceError("SOURCE_DENIED", "the file may not be read", value=error.strerror, where=where,
                          fix="give the worker's user the right to read it") from error  # fmt: skip
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise _no_file(where)
        _check_size(about.st_size, limits, where)
        if sha256 is not None:
            _check_digest(hashlib.file_digest(file, "sha256").hexdigest(), sha256, where)
    return LocalFile(path, about.st_size, _signature_of(about))


def _no_file(where: str) -> SourceError:
    return SourceError("PATH_FORBIDDEN", "not a regular file any more", where=where, fix="put the video file back")


def _fetch(pointer: HttpPointer | S3Pointer, path: Path, limits: Limits, sha256: str | None) -> None:
    """Copy beside the cache's files, and put it among them when it is whole."""
    where = _where(pointer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    except OSError as error:
        raise _storage_error(error, path) from error
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, _open(pointer) as incoming:
            found, size = _copy(incoming, file, limits, where)
            _check_whole(incoming, size, where, declared=sha256)
            _make_durable(file)
        if sha256 is not None:
            _check_digest(found, sha256, where)
        part.replace(path)
    except OSError as error:
        raise _storage_error(error, path) from error
    finally:
        part.unlink(missing_ok=True)


def _open(pointer: HttpPointer | S3Pointer) -> AbstractContextManager[Incoming]:
    if isinstance(pointer, HttpPointer):
        return open_address(pointer, chunk_bytes=CHUNK_BYTES)
    return open_object(pointer, chunk_bytes=CHUNK_BYTES)


def _copy(incoming: Incoming, file: IO[bytes], limits: Limits, where: str) -> tuple[str, int]:
    """Write down what comes; gives its sha256 and size. Stops as soon as it is too much or takes too long."""
    _check_size(incoming.size_bytes or 0, limits, where)
    digest, size, until = hashlib.sha256(), 0, time.monotonic() + limits.max_wall_seconds
    for chunk in incoming.chunks:
        size += len(chunk)
        _check_size(size, limits, where)
        if time.monotonic() > until:
            raise SourceError("LIMIT_WALL", "the download takes too long", value=f"{size} bytes so far", where=where,
                              fix=f"over {limits.max_wall_seconds} s: raise limits.max_wall_seconds")  # fmt: skip
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest(), size


def _check_whole(incoming: Incoming, size: int, where: str, *, declared: str | None) -> None:
    if incoming.size_bytes is not None and size != incoming.size_bytes:
        raise SourceError("SOURCE_UNAVAILABLE", "the download failed", value=f"{size} of {incoming.size_bytes} bytes",
                          where=where, fix="run it again later")  # fmt: skip
    if not incoming.ends_by_itself and declared is None:
        raise SourceError("SOURCE_UNPROVED", "the server does not say how long the content is", where=where,
                          value=f"{size} bytes came", fix="declare its sha256 in the manifest")  # fmt: skip


def _make_durable(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _storage_error(error: OSError, path: Path) -> SourceError:
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    code = "STORAGE_FULL" if name in FULL else "STORAGE_IO"
    return SourceError(code, "the cache of raw videos cannot be written", value=name, where=str(path.parent),
                       fix="make room, or move `home` to a larger disk")  # fmt: skip


def _where(pointer: HttpPointer | S3Pointer) -> str:
    return place(pointer.address) if isinstance(pointer, HttpPointer) else f"s3://{pointer.bucket}/{pointer.key}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_digest(found: str, declared: str, where: str) -> None:
    if found != declared:
        raise SourceError("SOURCE_CHANGED", "the content is not what the manifest declares", value=found, where=where,
                          fix=f"the manifest says sha256 {declared}: correct it, or restore the file")  # fmt: skip


def _check_size(size: int, limits: Limits, where: str) -> None:
    if size > limits.max_bytes:
        raise SourceError("LIMIT_BYTES", "the file is too large", value=f"{size} bytes", where=where,
                          fix=f"at most {limits.max_bytes}: raise limits.max_bytes")  # fmt: skip
