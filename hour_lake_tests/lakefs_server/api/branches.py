"""Branches: listed, made, read, reset, reverted, deleted, and their uncommitted changes."""

from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from hour_lake_tests.lakefs_server import names
from hour_lake_tests.lakefs_server.api.changes import difference_page
from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.commits import Commit
from hour_lake_tests.lakefs_server.errors import ApiError, invalid
from hour_lake_tests.lakefs_server.pagination import page
from hour_lake_tests.lakefs_server.repository import Repository
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server


def list_branches(server: Server, call: Call) -> Response:
    """A page of them, by name; hidden ones only with `show_hidden`."""
    found = server.repository(call.path["repository"]).refs.all("branch", hidden=call.flag("show_hidden"))
    rows = [(name, {"id": name, "commit_id": commit_id}) for name, commit_id in found]
    return JSONResponse(page([row for row in rows if row[0].startswith(call.query("prefix"))], call))


def create_branch(server: Server, call: Call) -> Response:
    """201 with the commit's id as text; 400, 404 for the source, 409."""
    repository, wanted = server.repository(call.path["repository"]), call.json(name=str, source=str)
    repository.check_writable(bool(wanted.get("force")))
    names.check_branch(wanted["name"])
    with repository.database.changing():
        commit = repository.refs.resolve(wanted["source"]).commit
        repository.refs.add("branch", wanted["name"], commit.id, hidden=bool(wanted.get("hidden")))
    return PlainTextResponse(commit.id, 201, media_type="text/html")


def get_branch(server: Server, call: Call) -> Response:
    """Name and commit; 404."""
    branch = call.path["branch"]
    commit_id = server.repository(call.path["repository"]).refs.get("branch", branch)
    return JSONResponse({"id": branch, "commit_id": commit_id})


def delete_branch(server: Server, call: Call) -> Response:
    """204, with its uncommitted changes; 404, 403 for the default branch."""
    repository, branch = _writable(server, call, call.flag("force"))
    with repository.database.changing():
        if branch == repository.facts["default_branch"]:
            raise ApiError(403, "cannot delete repository default branch")
        repository.refs.delete("branch", branch)
        repository.uncommitted.drop_all(branch)
    return Response(status_code=204)


def diff_branch(server: Server, call: Call) -> Response:
    """A page of the uncommitted changes."""
    repository, branch = _branch(server, call)
    with repository.database.lock:
        changes = repository.changes(branch)
    return JSONResponse(difference_page(changes, call))


def reset_branch(server: Server, call: Call) -> Response:
    """204; forget uncommitted changes: all, those below a prefix, or one."""
    wanted = call.json(type=str)
    repository, branch = _writable(server, call, bool(wanted.get("force")))
    kind, path = wanted["type"], wanted.get("path") or ""
    if kind not in ("reset", "common_prefix", "object"):
        raise invalid(f"argument type: {kind!r}: invalid value")
    with repository.database.changing():
        if kind == "object":
            repository.uncommitted.drop(branch, path)
        else:
            repository.uncommitted.drop_all(branch, path if kind == "common_prefix" else "")
    return Response(status_code=204)


def hard_reset_branch(server: Server, call: Call) -> Response:
    """204; let a branch stand at another commit; 400 when it has uncommitted changes, unless forced."""
    repository, branch = _writable(server, call, call.flag("force"))
    with repository.database.changing():
        commit = repository.refs.resolve(call.needed("ref")).commit
        if repository.changes(branch) and not call.flag("force"):
            raise ApiError(400, f"branch {branch}: uncommitted changes (dirty branch)")
        repository.uncommitted.drop_all(branch)
        repository.refs.move(branch, commit.id)
    return Response(status_code=204)


def revert_branch(server: Server, call: Call) -> Response:
    """204; a commit that takes back what another did."""
    wanted = call.json(ref=str, parent_number=int)
    repository, branch = _writable(server, call, bool(wanted.get("force")))
    with repository.database.changing():
        commit = repository.refs.resolve(wanted["ref"]).commit
        parent = _parent(repository, commit, wanted["parent_number"])
        said = _said(wanted, f"Revert {commit.id}", {})
        repository.replay(branch, before=commit.tree, after=parent.tree, allow_empty=bool(wanted.get("allow_empty")),
                          **said)  # fmt: skip
    return Response(status_code=204)


def cherry_pick(server: Server, call: Call) -> Response:
    """201 with a commit that does again what another did."""
    wanted = call.json(ref=str)
    repository, branch = _writable(server, call, bool(wanted.get("force")))
    with repository.database.changing():
        commit = repository.refs.resolve(wanted["ref"]).commit
        parent = _parent(repository, commit, wanted.get("parent_number") or 0)
        said = _said(wanted, commit.message, dict(commit.metadata))
        made = repository.replay(branch, before=parent.tree, after=commit.tree, allow_empty=False, **said)
    return JSONResponse(made.as_json(), 201)


def _said(wanted: dict[str, Any], message: str, metadata: dict[str, str]) -> dict[str, Any]:
    overrides = wanted.get("commit_overrides") or {}
    return {"message": overrides.get("message") or message, "metadata": overrides.get("metadata") or metadata}


def _parent(repository: Repository, commit: Commit, number: int) -> Commit:
    """The parent that a change is seen against: 0 for the only one, else counted from 1."""
    if (number == 0 and len(commit.parents) != 1) or not 0 <= number <= len(commit.parents):
        raise ApiError(400, "must specify mainline for merge commits: parent number")
    return repository.commits.get(commit.parents[max(0, number - 1)])


def _branch(server: Server, call: Call) -> tuple[Repository, str]:
    repository, branch = server.repository(call.path["repository"]), call.path["branch"]
    repository.refs.get("branch", branch)
    return repository, branch


def _writable(server: Server, call: Call, force: bool) -> tuple[Repository, str]:
    repository, branch = _branch(server, call)
    repository.check_writable(force)
    return repository, branch


BRANCH = "/repositories/{repository}/branches/{branch}"
ROUTES = [
    Route("GET", "/repositories/{repository}/branches", list_branches),
    Route("POST", "/repositories/{repository}/branches", create_branch),
    Route("GET", BRANCH, get_branch),
    Route("DELETE", BRANCH, delete_branch),
    Route("PUT", BRANCH, reset_branch),
    Route("GET", f"{BRANCH}/diff", diff_branch),
    Route("PUT", f"{BRANCH}/hard_reset", hard_reset_branch),
    Route("POST", f"{BRANCH}/revert", revert_branch),
    Route("POST", f"{BRANCH}/cherry-pick", cherry_pick),
]
