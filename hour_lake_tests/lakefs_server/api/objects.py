"""Objects: written, read, listed, copied, deleted."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

from starlette.responses import JSONResponse, RedirectResponse, Response

from hour_lake_tests.lakefs_server import multipart
from hour_lake_tests.lakefs_server.api.conditions import check_conditions, check_user_metadata
from hour_lake_tests.lakefs_server.api.stats import as_group, stats_of
from hour_lake_tests.lakefs_server.call import Body, Call
from hour_lake_tests.lakefs_server.content import Unsatisfiable, content, http_date
from hour_lake_tests.lakefs_server.errors import ApiError, not_found
from hour_lake_tests.lakefs_server.names import check_object
from hour_lake_tests.lakefs_server.pagination import grouped, page
from hour_lake_tests.lakefs_server.records import DEFAULT_CONTENT_TYPE, Record
from hour_lake_tests.lakefs_server.repository import Repository
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server

DELETED_AT_ONCE = 1000
USER_METADATA = "x-lakefs-meta-"


def upload_object(server: Server, call: Call) -> Response:
    """201 with the object's stats; the body is the object, or a form whose part `content` is."""
    repository, branch, path = _target(server, call, "path", call.flag("force"))
    content_type = call.headers.get("content-type", DEFAULT_CONTENT_TYPE)
    body = call.body
    if content_type.startswith("multipart/form-data"):
        body, content_type = multipart.part(body, content_type, "content")
    user_metadata = _from_headers(server, call)
    check_user_metadata(server, user_metadata)
    address = _stored(server, repository, body)
    record = Record(address, body.md5, body.size_bytes, int(time.time()), content_type, user_metadata)
    with repository.database.changing():
        check_conditions(call, repository.current(branch, path))
        repository.put(branch, path, record)
    return JSONResponse(stats_of(server, call, path, record), 201)


def stage_object(server: Server, call: Call) -> Response:
    """201; an object of the store by its address, as the definition's older `stageObject` has it."""
    wanted = call.json(physical_address=str, checksum=str, size_bytes=int)
    repository, branch, path = _target(server, call, "path", bool(wanted.get("force")))
    record = Record(
        wanted["physical_address"], wanted["checksum"], wanted["size_bytes"], wanted.get("mtime") or int(time.time()),
        wanted.get("content_type") or DEFAULT_CONTENT_TYPE, wanted.get("metadata") or {},
    )  # fmt: skip
    check_user_metadata(server, record.user_metadata)
    repository.put(branch, path, record)
    return JSONResponse(stats_of(server, call, path, record), 201)


def get_object(server: Server, call: Call) -> Response:
    """The bytes: 200, 206 for a Range, 302 to a presigned URL, 304 for a matching ETag, 404, 410, 416; HEAD too."""
    repository, path = server.repository(call.path["repository"]), call.needed("path")
    record = repository.record(call.path["ref"], path)
    etag = f'"{record.checksum}"'
    if call.headers.get("if-none-match", "").strip('"') == record.checksum:
        return Response(status_code=304, headers={"ETag": etag})
    if call.method == "GET" and call.flag("presign") and server.settings.presign == "on":
        url = server.store.presigned("GET", record.physical_address, call.host).url
        return RedirectResponse(url, 302)
    file = server.store.file(record.physical_address)
    if file is None:
        raise ApiError(410, "resource gone")
    headers = {"ETag": etag, "Last-Modified": http_date(record.mtime)}
    try:
        return content(file, method=call.method, wanted=call.headers.get("range"), headers=headers,
                       media_type=record.content_type, size_bytes=file.stat().st_size)  # fmt: skip
    except Unsatisfiable as error:
        raise ApiError(
            416, "Requested Range Not Satisfiable", headers={"Content-Range": f"bytes */{error.size_bytes}"}
        ) from error


def stat_object(server: Server, call: Call) -> Response:
    """What is known of an object; 404."""
    path = call.needed("path")
    record = server.repository(call.path["repository"]).record(call.path["ref"], path)
    return JSONResponse(stats_of(server, call, path, record))


def underlying_properties(server: Server, call: Call) -> Response:
    """What the object store says of an object."""
    server.repository(call.path["repository"]).record(call.path["ref"], call.needed("path"))
    return JSONResponse({"storage_class": "STANDARD"})


def list_objects(server: Server, call: Call) -> Response:
    """A page of objects below a prefix, those with the next part up to the delimiter in common as one."""
    prefix = call.query("prefix")
    listing = server.repository(call.path["repository"]).listing(call.path["ref"], prefix)
    rows = [(path, (path, record)) for path, record in listing]
    found = page(grouped(rows, prefix, call.query("delimiter"), as_group), call)
    # Only what is on the page is spelt out: a presigned URL costs something.
    found["results"] = [item if isinstance(item, dict) else stats_of(server, call, *item) for item in found["results"]]
    return JSONResponse(found)


def delete_object(server: Server, call: Call) -> Response:
    """204, also when there is no such object."""
    repository, branch, path = _target(server, call, "path", call.flag("force"))
    repository.delete(branch, path)
    return Response(status_code=204)


def delete_objects(server: Server, call: Call) -> Response:
    """200 with what went wrong for which path; 400 for more than 1000."""
    repository, paths = server.repository(call.path["repository"]), call.json(paths=list)["paths"]
    repository.check_writable(call.flag("force"))
    if len(paths) > DELETED_AT_ONCE:
        raise ApiError(400, f"{len(paths)} is greater than {DELETED_AT_ONCE}: request size exceeded")
    with repository.database.changing():
        repository.refs.get("branch", call.path["branch"])
        for path in paths:
            repository.delete(call.path["branch"], path)
    return JSONResponse({"errors": []})


def copy_object(server: Server, call: Call) -> Response:
    """201 with the copy's stats: the bytes too, or with `shallow` only the pointer."""
    wanted = call.json(src_path=str)
    repository, branch, path = _target(server, call, "dest_path", bool(wanted.get("force")))
    source = repository.record(wanted.get("src_ref") or branch, wanted["src_path"])
    address = source.physical_address
    if not wanted.get("shallow"):
        file = server.store.file(address)
        if file is None:
            raise ApiError(410, "resource gone")
        address = server.store.new_address(repository)
        shutil.copyfile(file, _file(server, address))
    record = Record(
        address, source.checksum, source.size_bytes, int(time.time()), source.content_type, source.user_metadata
    )
    repository.put(branch, path, record)
    return JSONResponse(stats_of(server, call, path, record), 201)


def update_user_metadata(server: Server, call: Call) -> Response:
    """201; all of an object's user metadata replaced, the object as it was."""
    repository, branch, path = _target(server, call, "path", force=False)
    user_metadata = call.json(set=dict)["set"]
    check_user_metadata(server, user_metadata)
    with repository.database.changing():
        there = repository.current(branch, path)
        if there is None:
            raise not_found("object")
        repository.put(branch, path, replace(there, user_metadata=user_metadata))
    return Response(status_code=201)


def _from_headers(server: Server, call: Call) -> dict[str, str]:
    """User metadata of an upload through the server; see --metadata-keys."""
    said = {n.removeprefix(USER_METADATA): value for n, value in call.headers.items() if n.startswith(USER_METADATA)}
    if server.settings.metadata_keys == "title":
        return {"-".join(part.capitalize() for part in name.split("-")): value for name, value in said.items()}
    return said


def _target(server: Server, call: Call, name: str, force: bool) -> tuple[Repository, str, str]:
    """Repository, branch and path that a request writes to; 404, 403."""
    repository, branch, path = server.repository(call.path["repository"]), call.path["branch"], call.needed(name)
    repository.refs.get("branch", branch)
    repository.check_writable(force)
    check_object(path)
    return repository, branch, path


def _stored(server: Server, repository: Repository, body: Body) -> str:
    address = server.store.new_address(repository)
    body.save(_file(server, address))
    return address


def _file(server: Server, address: str) -> Path:
    file = server.store.own_file(address)
    assert file is not None
    return file


OBJECTS = "/repositories/{repository}/branches/{branch}/objects"
READ = "/repositories/{repository}/refs/{ref}/objects"
ROUTES = [
    Route("POST", OBJECTS, upload_object),
    Route("PUT", OBJECTS, stage_object),
    Route("DELETE", OBJECTS, delete_object),
    Route("POST", f"{OBJECTS}/delete", delete_objects),
    Route("POST", f"{OBJECTS}/copy", copy_object),
    Route("PUT", f"{OBJECTS}/stat/user_metadata", update_user_metadata),
    Route("GET", READ, get_object),
    Route("HEAD", READ, get_object),
    Route("GET", f"{READ}/stat", stat_object),
    Route("GET", f"{READ}/ls", list_objects),
    Route("GET", f"{READ}/underlyingProperties", underlying_properties),
]
