"""Repositories: listed, made, read, deleted."""

from starlette.responses import JSONResponse, Response

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.pagination import page
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server


def list_repositories(server: Server, call: Call) -> Response:
    """A page of them, by name; `search` finds in the middle of names too."""
    prefix, search = call.query("prefix"), call.query("search")
    facts = [repository.facts for repository in server.all()]
    return JSONResponse(page([(f["id"], f) for f in facts if f["id"].startswith(prefix) and search in f["id"]], call))


def create_repository(server: Server, call: Call) -> Response:
    """201 with the repository; 400, 409."""
    wanted = call.json(name=str, storage_namespace=str)
    made = server.create(
        wanted["name"], wanted["storage_namespace"], wanted.get("default_branch") or "main",
        read_only=bool(wanted.get("read_only")),
    )  # fmt: skip
    return JSONResponse(made.facts, 201)


def get_repository(server: Server, call: Call) -> Response:
    """One of them; 404."""
    return JSONResponse(server.repository(call.path["repository"]).facts)


def delete_repository(server: Server, call: Call) -> Response:
    """204; 404, 403 for a read-only one without `force`."""
    server.delete(call.path["repository"], force=call.flag("force"))
    return Response(status_code=204)


def get_metadata(server: Server, call: Call) -> Response:
    """What was said about a repository: nothing here."""
    server.repository(call.path["repository"])
    return JSONResponse({})


ROUTES = [
    Route("GET", "/repositories", list_repositories),
    Route("POST", "/repositories", create_repository),
    Route("GET", "/repositories/{repository}", get_repository),
    Route("DELETE", "/repositories/{repository}", delete_repository),
    Route("GET", "/repositories/{repository}/metadata", get_metadata),
]
