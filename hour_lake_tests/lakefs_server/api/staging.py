"""Staging: an address that a client uploads an object to by itself, and linking it to a path."""

import time
from typing import Any

from starlette.responses import JSONResponse, Response

from hour_lake_tests.lakefs_server.api.conditions import check_conditions, check_user_metadata
from hour_lake_tests.lakefs_server.api.stats import stats_of
from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.errors import ApiError, invalid
from hour_lake_tests.lakefs_server.names import check_object
from hour_lake_tests.lakefs_server.records import DEFAULT_CONTENT_TYPE, Record
from hour_lake_tests.lakefs_server.repository import Repository
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server


def get_physical_address(server: Server, call: Call) -> Response:
    """An address for one upload, with `presign` also the URL to PUT it at."""
    repository = server.repository(call.path["repository"])
    repository.refs.get("branch", call.path["branch"])
    check_object(call.needed("path"))
    return JSONResponse(_issued(server, call, repository))


def link_physical_address(server: Server, call: Call) -> Response:
    """200 with the object's stats; 409 with another address when the time of this one is over; 400, 412."""
    repository, branch, path = server.repository(call.path["repository"]), call.path["branch"], call.needed("path")
    wanted = call.json(staging=dict, checksum=str, size_bytes=int)
    repository.check_writable(bool(wanted.get("force")))
    check_object(path)
    address = wanted["staging"].get("physical_address")
    if not address:
        raise invalid("argument staging: physical_address: value is required")
    record = Record(
        address, wanted["checksum"], wanted["size_bytes"], wanted.get("mtime") or int(time.time()),
        wanted.get("content_type") or DEFAULT_CONTENT_TYPE, wanted.get("user_metadata") or {},
    )  # fmt: skip
    check_user_metadata(server, record.user_metadata)
    with repository.database.changing():
        check_conditions(call, repository.current(branch, path))
        _check_address(server, call, repository, address)
        repository.put(branch, path, record)
    return JSONResponse(stats_of(server, call, path, record))


def _check_address(server: Server, call: Call, repository: Repository, address: str) -> None:
    """An address in our namespace must be one that was issued for this branch and path; one outside is taken."""
    if server.store.own_file(address) is None:
        return
    rows = repository.database.rows("SELECT branch, path, expires, linked FROM issued WHERE address = ?", address)
    if not rows or rows[0][:2] != (call.path["branch"], call.query("path")):
        raise ApiError(400, "link address: not found")
    _, _, expires, linked = rows[0]
    if linked and server.settings.relink == "refuse":
        raise ApiError(400, "link address: already linked")
    if not linked and expires < time.time():
        raise ApiError(409, "link address: expired", body=_issued(server, call, repository))
    repository.database.change("UPDATE issued SET linked = 1 WHERE address = ?", address)


def _issued(server: Server, call: Call, repository: Repository) -> dict[str, Any]:
    """The model `StagingLocation`, remembered until it is linked."""
    address = server.store.new_address(repository)
    repository.database.change(
        "INSERT INTO issued (address, branch, path, expires, linked) VALUES (?, ?, ?, ?, 0)",
        address, call.path["branch"], call.query("path"), time.time() + server.settings.link_seconds,
    )  # fmt: skip
    found: dict[str, Any] = {"physical_address": address}
    if call.flag("presign") and server.settings.presign == "on":
        url, expires = server.store.presigned("PUT", address, call.host)
        found |= {"presigned_url": url, "presigned_url_expiry": expires}
    return found


BACKING = "/repositories/{repository}/branches/{branch}/staging/backing"
ROUTES = [Route("GET", BACKING, get_physical_address), Route("PUT", BACKING, link_physical_address)]
