"""Imports: objects of the store taken in by their address, in the background, as one commit."""

import json
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.errors import ApiError, invalid, not_found
from hour_lake_tests.lakefs_server.names import check_object
from hour_lake_tests.lakefs_server.records import DEFAULT_CONTENT_TYPE, Record
from hour_lake_tests.lakefs_server.repository import Repository
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server
from hour_lake_tests.lakefs_server.store import Found, checksum_of_import

KINDS = ("common_prefix", "object")
_cancelled: dict[str, threading.Event] = {}


def import_start(server: Server, call: Call) -> Response:
    """202 with the id of an import that has begun; 400 for addresses that are not s3://."""
    repository, branch = server.repository(call.path["repository"]), call.path["branch"]
    wanted = call.json(paths=list, commit=dict)
    repository.check_writable(bool(wanted.get("force")))
    repository.refs.get("branch", branch)
    for location in wanted["paths"]:
        if location.get("type") not in KINDS or not str(location.get("path")).startswith("s3://"):
            raise invalid(f"argument paths: {location.get('path')!r}: must be s3:// and a common_prefix or an object")
    import_id = uuid.uuid4().hex
    _cancelled[import_id] = threading.Event()
    _note(repository, branch, import_id, completed=False, ingested_objects=0)
    threading.Thread(target=_run, args=(server, repository, branch, import_id, wanted), daemon=True).start()
    return JSONResponse({"id": import_id}, 202)


def import_status(server: Server, call: Call) -> Response:
    """How far an import is; 404."""
    repository = server.repository(call.path["repository"])
    return JSONResponse(_status(repository, call.path["branch"], call.needed("id")))


def import_cancel(server: Server, call: Call) -> Response:
    """204; 409 when it has ended already, 404."""
    repository, branch, import_id = server.repository(call.path["repository"]), call.path["branch"], call.needed("id")
    with repository.database.lock:
        status = _status(repository, branch, import_id)
        if status["completed"] or "error" in status:
            raise ApiError(409, "import already completed or canceled")
        _note(repository, branch, import_id, completed=False, error={"message": "import was canceled"})
    if import_id in _cancelled:
        _cancelled[import_id].set()
    return Response(status_code=204)


def _run(server: Server, repository: Repository, branch: str, import_id: str, wanted: dict[str, Any]) -> None:
    cancelled = _cancelled[import_id]
    try:
        edits = {path: _record(found) for location in wanted["paths"] for path, found in _found(server, location)}
        if cancelled.wait(server.settings.import_seconds):
            return
        said = wanted["commit"]
        with repository.database.changing():
            if cancelled.is_set():
                return
            made = repository.commit_edits(
                branch, edits, message=said.get("message") or "Import objects", metadata=said.get("metadata") or {},
                date=said.get("date"),
            )  # fmt: skip
            _note(repository, branch, import_id, completed=True, ingested_objects=len(edits), metarange_id=made.tree,
                  commit=made.as_json())  # fmt: skip
    except ApiError as error:
        _note(repository, branch, import_id, completed=False, error={"message": f"import: {error.message}"})


def _found(server: Server, location: dict[str, str]) -> list[tuple[str, Found]]:
    """Where each object of one location goes; 400 for a path that cannot be, 404 when there is none."""
    source, destination = location["path"], location.get("destination") or ""
    found = list(server.store.below(source))
    if location["type"] == "object":
        pairs = [(destination, one) for one in found if one.address == source]
    else:
        pairs = [(destination + one.address.removeprefix(source), one) for one in found]
    if not pairs:
        raise not_found(f"objects at {source}")
    for path, _ in pairs:
        check_object(path)
    return pairs


def _record(found: Found) -> Record:
    stat = found.file.stat()
    return Record(
        found.address, checksum_of_import(found.file), stat.st_size, int(stat.st_mtime), DEFAULT_CONTENT_TYPE, {}
    )


def _note(repository: Repository, branch: str, import_id: str, **status: Any) -> None:
    body = json.dumps(status | {"update_time": datetime.now(UTC).isoformat()})
    repository.database.change("INSERT OR REPLACE INTO imports VALUES (?, ?, ?)", import_id, branch, body)


def _status(repository: Repository, branch: str, import_id: str) -> dict[str, Any]:
    rows = repository.database.rows("SELECT body FROM imports WHERE id = ? AND branch = ?", import_id, branch)
    if not rows:
        raise not_found("import")
    status = json.loads(rows[0][0])
    if not status["completed"] and "error" not in status and import_id not in _cancelled:
        status["error"] = {"message": "import: the server was stopped"}
    return status


IMPORT = "/repositories/{repository}/branches/{branch}/import"
ROUTES = [
    Route("POST", IMPORT, import_start),
    Route("GET", IMPORT, import_status),
    Route("DELETE", IMPORT, import_cancel),
]
