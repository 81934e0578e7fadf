"""Bringing a raw video to this machine: a local file is used where it lies, a remote one is copied into a cache."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hour_lake.errors import SourceError
from hour_lake.manifests.http import open_address
from hour_lake.manifests.pointer import HttpPointer, LocalPointer, Pointer, S3Pointer
from hour_lake.settings import Limits

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class LocalFile:
    """A raw video on this machine; `signature` changes when the file is written to."""

    path: Path
    size_bytes: int
    signature: str


def signature(pointer: Pointer) -> str:
    """What tells a known video from a changed one without reading it: size and time of a local file, else the pointer.

    A remote address is taken to stand for one content; a new content needs a new address or a declared sha256.
    """
    match pointer:
        case LocalPointer(path):
            return file_signature(path)
        case HttpPointer(address):
            return address
        case S3Pointer(bucket, key):
            return f"s3://{bucket}/{key}"


def file_signature(path: Path) -> str:
    """Size and modification time of a file."""
    about = path.stat()
    return f"{about.st_size}-{about.st_mtime_ns}"


def localise(pointer: Pointer, *, cache: Path, limits: Limits, sha256: str | None = None) -> LocalFile:
    """A readable local file. LIMIT_BYTES, SOURCE_CHANGED (not the declared sha256), SOURCE_MISSING, SOURCE_DENIED,
    SOURCE_UNAVAILABLE (may pass), URI_FORBIDDEN (leads to an address that is not public)."""
    if isinstance(pointer, LocalPointer):
        path = pointer.path
        _check_size(path.stat().st_size, limits, str(path))
        if sha256 is not None:
            _check_digest(_digest(path), sha256, str(path))
        return LocalFile(path, path.stat().st_size, file_signature(path))
    path = _cached(pointer, cache, limits, sha256)
    return LocalFile(path, path.stat().st_size, file_signature(path))


def _cached(pointer: HttpPointer | S3Pointer, cache: Path, limits: Limits, sha256: str | None) -> Path:
    """The cached copy, named by its declared sha256 or by its address; fetched when it is not there."""
    where = signature(pointer)
    path = cache / (sha256 or "by-address-" + hashlib.sha256(where.encode()).hexdigest())
    if path.is_file():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=cache, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            found = _copy(_chunks(pointer), file, limits, where)
        if sha256 is not None:
            _check_digest(found, sha256, where)
        Path(name).rename(path)
    finally:
        Path(name).unlink(missing_ok=True)
    return path


def _copy(chunks: Iterable[bytes], file: Any, limits: Limits, where: str) -> str:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        _check_size(size, limits, where)
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()


def _chunks(pointer: HttpPointer | S3Pointer) -> Iterable[bytes]:
    if isinstance(pointer, HttpPointer):
        return open_address(pointer, chunk_bytes=CHUNK_BYTES)
    return _object_chunks(pointer)


def _object_chunks(pointer: S3Pointer) -> Iterable[bytes]:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise SourceError("SOURCE_DENIED", "s3:// needs the extra `aws`", where=signature(pointer),
                          fix="pip install 'hour-lake[aws]'") from error  # fmt: skip
    try:
        client: Any = boto3.client("s3", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_S3"))
        answer = client.get_object(Bucket=pointer.bucket, Key=pointer.key)
        yield from answer["Body"].iter_chunks(CHUNK_BYTES)
    except ClientError as error:
        status = str(error.response.get("Error", {}).get("Code", ""))
        missing = status in ("NoSuchKey", "NoSuchBucket", "404")
        code = (
            "SOURCE_MISSING"
            if missing
            else "SOURCE_DENIED"
            if status in ("AccessDenied", "403")
            else "SOURCE_UNAVAILABLE"
        )
        raise SourceError(code, "the object cannot be read", value=status, where=signature(pointer)) from error
    except BotoCoreError as error:
        raise SourceError("SOURCE_UNAVAILABLE", "the store does not answer", value=str(error),
                          where=signature(pointer)) from error  # fmt: skip


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
