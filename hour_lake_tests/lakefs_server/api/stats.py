"""An object as the API says it: the model `ObjectStats`."""

from typing import Any

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.records import Record
from hour_lake_tests.lakefs_server.server import Server


def stats_of(server: Server, call: Call, path: str, record: Record) -> dict[str, Any]:
    """With a presigned URL as address and without the user's metadata if the query says so."""
    found: dict[str, Any] = {
        "path": path, "path_type": "object", "physical_address": record.physical_address, "checksum": record.checksum,
        "size_bytes": record.size_bytes, "mtime": record.mtime, "content_type": record.content_type,
    }  # fmt: skip
    if call.flag("user_metadata", default=True):
        found["metadata"] = dict(record.user_metadata)
    if call.flag("presign") and server.settings.presign == "on":
        url, expires = server.store.presigned("GET", record.physical_address, call.host)
        found |= {"physical_address": url, "physical_address_expiry": expires}
    return found


def as_group(prefix: str) -> dict[str, Any]:
    """Objects below a common prefix, as one."""
    return {"path": prefix, "path_type": "common_prefix", "physical_address": "", "checksum": "", "size_bytes": 0,
            "mtime": 0}  # fmt: skip
