"""The object store's side of presigned URLs: what a client gets when it goes past the server."""

import time

from starlette.responses import Response

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.content import Unsatisfiable, content, http_date
from hour_lake_tests.lakefs_server.records import DEFAULT_CONTENT_TYPE
from hour_lake_tests.lakefs_server.s3_errors import S3Error
from hour_lake_tests.lakefs_server.server import Server


def serve(server: Server, call: Call) -> Response:
    """GET or HEAD an object with ranges, or PUT one; S3's own errors for a wrong signature and for one that is over."""
    address, expires = server.store.address_of(call.raw_path, call.query("scheme")), call.query("expires")
    if not expires.isdigit() or not server.store.is_signed(call.method, address, expires, call.query("signature")):
        raise S3Error("SignatureDoesNotMatch", "The request signature we calculated does not match")
    if int(expires) < time.time():
        raise S3Error("AccessDenied", "Request has expired")
    return _put(server, call, address) if call.method == "PUT" else _get(server, call, address)


def _put(server: Server, call: Call, address: str) -> Response:
    file = server.store.own_file(address)
    if file is None:
        raise S3Error("AccessDenied", "Access Denied")
    call.body.save(file)
    return Response(status_code=200, headers={"ETag": f'"{call.body.md5}"'})


def _get(server: Server, call: Call, address: str) -> Response:
    file = server.store.file(address)
    if file is None:
        raise S3Error("NoSuchKey", "The specified key does not exist.")
    stat = file.stat()
    try:
        return content(
            file, method=call.method, wanted=call.headers.get("range"), media_type=DEFAULT_CONTENT_TYPE,
            headers={"Last-Modified": http_date(int(stat.st_mtime))}, size_bytes=stat.st_size,
        )  # fmt: skip
    except Unsatisfiable as error:
        raise S3Error("InvalidRange", "The requested range is not satisfiable",
                      {"Content-Range": f"bytes */{error.size_bytes}"}) from error  # fmt: skip
