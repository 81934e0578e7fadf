"""What a write must fulfil: `If-None-Match: *`, `If-Match: <ETag>`, and how much may be said of an object."""

from collections.abc import Mapping

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.errors import ApiError
from hour_lake_tests.lakefs_server.records import Record
from hour_lake_tests.lakefs_server.server import Server


def check_conditions(call: Call, there: Record | None) -> None:
    """412 when what stands under the path is not as the client wants it; 501 for what the definition leaves out."""
    unless, only = call.headers.get("if-none-match"), call.headers.get("if-match")
    if unless is not None and unless != "*":
        raise ApiError(501, 'Unsupported value for If-None-Match - Only "*" is supported')
    if unless is not None and there is not None:
        raise ApiError(412, "path already exists")
    if only is not None and (there is None or only.strip('"') != there.checksum):
        raise ApiError(412, "object's ETag does not match")


def check_user_metadata(server: Server, metadata: Mapping[str, str]) -> None:
    """400 beyond --metadata-bytes, counted as S3 does: keys and values in UTF-8."""
    size_bytes = sum(len(text.encode()) for pair in metadata.items() for text in pair)
    if size_bytes > server.settings.metadata_bytes:
        raise ApiError(400, f"user metadata has {size_bytes} bytes: metadata too large")
