"""Tags: listed, made, read, deleted."""

from starlette.responses import JSONResponse, Response

from hour_lake_tests.lakefs_server import names
from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.pagination import page
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server


def list_tags(server: Server, call: Call) -> Response:
    """A page of them, by name."""
    found = server.repository(call.path["repository"]).refs.all("tag")
    rows = [(name, {"id": name, "commit_id": commit_id}) for name, commit_id in found]
    return JSONResponse(page([row for row in rows if row[0].startswith(call.query("prefix"))], call))


def create_tag(server: Server, call: Call) -> Response:
    """201; 400, 404 for the ref, 409 when there is one of this name, wherever it stands."""
    repository, wanted = server.repository(call.path["repository"]), call.json(id=str, ref=str)
    repository.check_writable(bool(wanted.get("force")))
    names.check_tag(wanted["id"])
    with repository.database.changing():
        commit = repository.refs.resolve(wanted["ref"]).commit
        repository.refs.add("tag", wanted["id"], commit.id)
    return JSONResponse({"id": wanted["id"], "commit_id": commit.id}, 201)


def get_tag(server: Server, call: Call) -> Response:
    """Name and commit; 404."""
    tag = call.path["tag"]
    return JSONResponse({"id": tag, "commit_id": server.repository(call.path["repository"]).refs.get("tag", tag)})


def delete_tag(server: Server, call: Call) -> Response:
    """204; 404."""
    repository = server.repository(call.path["repository"])
    repository.check_writable(call.flag("force"))
    repository.refs.delete("tag", call.path["tag"])
    return Response(status_code=204)


ROUTES = [
    Route("GET", "/repositories/{repository}/tags", list_tags),
    Route("POST", "/repositories/{repository}/tags", create_tag),
    Route("GET", "/repositories/{repository}/tags/{tag}", get_tag),
    Route("DELETE", "/repositories/{repository}/tags/{tag}", delete_tag),
]
