"""Commits: made and read."""

from starlette.responses import JSONResponse, Response

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server


def commit(server: Server, call: Call) -> Response:
    """201 with the commit; 400 when nothing changed, unless `allow_empty`."""
    repository, wanted = server.repository(call.path["repository"]), call.json(message=str)
    repository.check_writable(bool(wanted.get("force")))
    made = repository.commit(
        call.path["branch"], message=wanted["message"], metadata=wanted.get("metadata") or {},
        date=wanted.get("date"), allow_empty=bool(wanted.get("allow_empty")),
    )  # fmt: skip
    return JSONResponse(made.as_json(), 201)


def get_commit(server: Server, call: Call) -> Response:
    """The commit that a ref names; 404."""
    repository = server.repository(call.path["repository"])
    return JSONResponse(repository.refs.resolve(call.path["commit"]).commit.as_json())


ROUTES = [
    Route("POST", "/repositories/{repository}/branches/{branch}/commits", commit),
    Route("GET", "/repositories/{repository}/commits/{commit}", get_commit),
]
