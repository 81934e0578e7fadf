"""The S3 gateway, read side: repositories are buckets, keys are `<ref>/<path>`."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from starlette.responses import Response

from hour_lake_tests.lakefs_server import signature_v4
from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.content import Unsatisfiable, content, http_date
from hour_lake_tests.lakefs_server.errors import ApiError
from hour_lake_tests.lakefs_server.pagination import MAX_PER_PAGE, grouped
from hour_lake_tests.lakefs_server.records import Record
from hour_lake_tests.lakefs_server.repository import Repository
from hour_lake_tests.lakefs_server.s3_errors import S3Error
from hour_lake_tests.lakefs_server.server import Server

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def serve(server: Server, call: Call) -> Response:
    """Answer a request that was signed with the server's keys."""
    keys = {server.settings.access_key: server.settings.secret_key}
    signature_v4.check(call.method, call.raw_path, call.request.url.query, call.headers, keys)
    if call.method not in ("GET", "HEAD"):
        raise S3Error("NotImplemented", "This stand-in only reads through its gateway.")
    bucket, _, key = unquote(call.raw_path).lstrip("/").partition("/")
    if not bucket:
        return _list_buckets(server)
    repository = server.repositories.get(bucket)
    if repository is None:
        raise S3Error("NoSuchBucket", "The specified bucket does not exist")
    if key:
        return _get_object(server, call, repository, key)
    if call.method == "HEAD":
        return Response(status_code=200)
    if "location" in call.request.query_params:
        return _xml("LocationConstraint", "us-east-1")
    return _list_objects(call, repository)


def _get_object(server: Server, call: Call, repository: Repository, key: str) -> Response:
    """GetObject and HeadObject."""
    ref, _, path = key.partition("/")
    try:
        record = repository.record(ref, path)
    except ApiError as error:
        raise S3Error("NoSuchKey", "The specified key does not exist.") from error
    etag = f'"{record.checksum}"'
    if call.headers.get("if-none-match", "").strip('"') == record.checksum:
        return Response(status_code=304, headers={"ETag": etag})
    if call.headers.get("if-match", etag).strip('"') != record.checksum:
        raise S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    file = server.store.file(record.physical_address)
    if file is None:
        raise S3Error("NoSuchKey", "The specified key does not exist.")
    headers = {"ETag": etag, "Last-Modified": http_date(record.mtime)}
    headers |= {n: value for n, value in record.user_metadata.items() if n.lower().startswith("x-amz-meta-")}
    try:
        return content(file, method=call.method, wanted=call.headers.get("range"), headers=headers,
                       media_type=record.content_type, size_bytes=file.stat().st_size)  # fmt: skip
    except Unsatisfiable as error:
        raise S3Error("InvalidRange", "The requested range is not satisfiable",
                      {"Content-Range": f"bytes */{error.size_bytes}"}) from error  # fmt: skip


def _list_buckets(server: Server) -> Response:
    buckets = "".join(
        f"<Bucket><Name>{repository.facts['id']}</Name>"
        f"<CreationDate>{_iso(repository.facts['creation_date'])}</CreationDate></Bucket>"
        for repository in server.all()
    )
    return _xml("ListAllMyBucketsResult", f"<Owner><ID>hour-lake-tests</ID></Owner><Buckets>{buckets}</Buckets>")


def _list_objects(call: Call, repository: Repository) -> Response:
    """ListObjectsV2, and ListObjects for those that still ask for it."""
    version_2 = call.query("list-type") == "2"
    prefix, delimiter = call.query("prefix"), call.query("delimiter")
    if delimiter not in ("", "/"):
        raise S3Error("InvalidArgument", "delimiter must be '/'")
    token = call.query("continuation-token") or call.query("start-after") if version_2 else call.query("marker")
    limit = _limit(call)
    rows = [row for row in grouped(_rows(repository, prefix), prefix, delimiter, lambda _: None) if row[0] > token]
    shown, is_truncated = rows[:limit], len(rows) > limit
    encoded = (lambda text: quote(text, safe="/")) if call.query("encoding-type") == "url" else escape
    parts: list[tuple[str, Any]] = [
        ("Name", repository.facts["id"]), ("Prefix", encoded(prefix)), ("MaxKeys", limit),
        ("Delimiter", encoded(delimiter)), ("IsTruncated", str(is_truncated).lower()),
    ]  # fmt: skip
    if call.query("encoding-type"):
        parts.append(("EncodingType", "url"))
    if version_2:
        parts.append(("KeyCount", len(shown)))
    if is_truncated:
        parts.append(("NextContinuationToken" if version_2 else "NextMarker", escape(shown[-1][0])))
    text = "".join(f"<{name}>{value}</{name}>" for name, value in parts)
    for key, record in shown:
        text += _contents(encoded(key), record) if record else _common(encoded(key))
    return _xml("ListBucketResult", text)


def _limit(call: Call) -> int:
    """How many keys to list."""
    asked = call.query("max-keys", str(MAX_PER_PAGE))
    if not asked.isdigit():
        raise S3Error("InvalidArgument", "max-keys must be a number")
    return min(int(asked), MAX_PER_PAGE)


def _rows(repository: Repository, prefix: str) -> list[tuple[str, Record | None]]:
    """Keys below a prefix; where it names no ref yet, the branches as if they were folders."""
    ref, slash, path = prefix.partition("/")
    if not slash:
        return [(f"{name}/", None) for name, _ in repository.refs.all("branch")]
    try:
        return [(f"{ref}/{found}", record) for found, record in repository.listing(ref, path)]
    except ApiError:
        return []  # S3 knows no refs: nothing lies below a prefix that nobody used


def _contents(key: str, record: Record) -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>{_iso(record.mtime)}</LastModified>"
        f"<ETag>&quot;{record.checksum}&quot;</ETag><Size>{record.size_bytes}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _common(prefix: str) -> str:
    return f"<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>"


def _xml(root: str, text: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{text}</{root}>'
    request_id = hashlib.md5(body.encode()).hexdigest()[:16]
    return Response(body, media_type="application/xml", headers={"x-amz-request-id": request_id})


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
