"""Health, configuration, versions, the current user."""

from starlette.responses import JSONResponse, Response

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.commits import COMMITTER
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server

VERSION = "1.88.0-stand-in"  # of the API definition that this follows


def healthcheck(server: Server, call: Call) -> Response:
    """The server is up."""
    return Response(status_code=204)


def config(server: Server, call: Call) -> Response:
    """Version and storage."""
    return JSONResponse({"version_config": {"version": VERSION}, "storage_config": _storage(server)})


def version(server: Server, call: Call) -> Response:
    """Version alone."""
    return JSONResponse({"version": VERSION})


def storage(server: Server, call: Call) -> Response:
    """Storage alone."""
    return JSONResponse(_storage(server))


def current_user(server: Server, call: Call) -> Response:
    """The only user there is."""
    return JSONResponse({"user": {"id": COMMITTER, "creation_date": 0}})


def _storage(server: Server) -> dict[str, object]:
    presign = server.settings.presign == "on"
    return {"blockstore_type": "s3", "blockstore_namespace_example": "s3://example-bucket/",
            "blockstore_namespace_ValidityRegex": "^s3://", "pre_sign_support": presign, "pre_sign_support_ui": False,
            "import_support": True, "import_validity_regex": "^s3://", "pre_sign_multipart_upload": False}  # fmt: skip


ROUTES = [
    Route("GET", "/healthcheck", healthcheck, needs_key=False),
    Route("GET", "/config", config),
    Route("GET", "/config/version", version),
    Route("GET", "/config/storage", storage),
    Route("GET", "/user", current_user),
]
