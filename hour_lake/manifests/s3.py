"""Reading an object of S3, or of a store that speaks like it (AWS_ENDPOINT_URL_S3 names it)."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from hour_lake.errors import SourceError
from hour_lake.manifests.incoming import Incoming
from hour_lake.manifests.pointer import S3Pointer

MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})


@contextmanager
def open_object(pointer: S3Pointer, *, chunk_bytes: int) -> Generator[Incoming]:
    """The content of an object. SOURCE_MISSING, SOURCE_DENIED; CREDENTIALS_EXPIRED, SOURCE_UNAVAILABLE (may pass)."""
    where = f"s3://{pointer.bucket}/{pointer.key}"
    with _translated(where):
        answer = _client().get_object(Bucket=pointer.bucket, Key=pointer.key)
    try:
        yield Incoming(_chunks(answer["Body"], chunk_bytes, where), answer["ContentLength"])
    finally:
        answer["Body"].close()


def _client() -> Any:
    """A client of its own: boto3's default session is not made for threads."""
    try:
        from boto3.session import Session
        from botocore.config import Config
    except ImportError as error:
        raise SourceError("SOURCE_DENIED", "s3:// needs the extra `aws`", value="boto3 is not installed",
                          fix="pip install 'hour-lake[aws]'") from error  # fmt: skip
    config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 3})
    return Session().client("s3", config=config)


def _chunks(body: Any, chunk_bytes: int, where: str) -> Iterator[bytes]:
    with _translated(where):
        yield from body.iter_chunks(chunk_bytes)


@contextmanager
def _translated(where: str) -> Generator[None]:
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        ParamValidationError,
        PartialCredentialsError,
    )

    try:
        yield
    except ClientError as error:
        raise refusal(error.response, where) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise SourceError("SOURCE_DENIED", "no credentials for the store", where=where,
                          fix="set AWS_PROFILE or the role of this machine") from error  # fmt: skip
    except ParamValidationError as error:
        raise SourceError("URI_FORBIDDEN", "not an object", value=where, fix="s3://bucket/key") from error
    except BotoCoreError as error:
        raise SourceError("SOURCE_UNAVAILABLE", "the store does not answer", value=type(error).__name__, where=where,
                          fix="run it again later") from error  # fmt: skip


def refusal(response: Any, where: str) -> SourceError:
    """The error that a store's answer means."""
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in MISSING:
        return SourceError("SOURCE_MISSING", "there is no such object", value=code, where=where, fix="check the name")
    if code in EXPIRED:
        return SourceError("CREDENTIALS_EXPIRED", "the credentials have run out", value=code, where=where,
                           fix="log in again")  # fmt: skip
    if 400 <= status < 500 and status != 429:
        return SourceError("SOURCE_DENIED", "the store refuses", value=code, where=where,
                           fix="check the rights of the role that reads")  # fmt: skip
    return SourceError("SOURCE_UNAVAILABLE", "the store does not answer", value=code, where=where,
                       fix="run it again later")  # fmt: skip
