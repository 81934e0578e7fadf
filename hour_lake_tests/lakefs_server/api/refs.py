"""Refs: their log, what differs between two, and merging one into a branch."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from starlette.responses import JSONResponse, Response

from hour_lake_tests.lakefs_server.api.changes import difference_page
from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.commits import Commit
from hour_lake_tests.lakefs_server.errors import ApiError, invalid
from hour_lake_tests.lakefs_server.merging import three_way
from hour_lake_tests.lakefs_server.pagination import amount_of, wrapped
from hour_lake_tests.lakefs_server.records import is_same
from hour_lake_tests.lakefs_server.repository import Repository
from hour_lake_tests.lakefs_server.router import Route
from hour_lake_tests.lakefs_server.server import Server
from hour_lake_tests.lakefs_server.trees import Difference


def log_commits(server: Server, call: Call) -> Response:
    """A page of the commits from a ref back, newest first; `after` is the id of the last one seen."""
    repository, amount = server.repository(call.path["repository"]), amount_of(call)
    with repository.database.lock:
        found = list(islice(_after(_wanted(repository, call), call.query("after")), amount + 1))
    has_more = len(found) > amount and not call.flag("limit")
    return JSONResponse(wrapped([(commit.id, commit.as_json()) for commit in found[:amount]], has_more=has_more))


def diff_refs(server: Server, call: Call) -> Response:
    """A page of what differs: right against left (two_dot), or against where right left it (three_dot)."""
    repository, kind = server.repository(call.path["repository"]), call.query("type", "three_dot")
    if kind not in ("two_dot", "three_dot"):
        raise invalid(f"argument type: {kind!r}: invalid value")
    with repository.database.lock:
        left, right = (repository.refs.resolve(call.path[name]).commit for name in ("left", "right"))
        prefix = call.query("prefix")
        if kind == "two_dot":
            return JSONResponse(difference_page(_differing(repository, left, right, prefix), call))
        base = repository.commits.merge_base(left, right)
        merged = three_way(repository.trees, base.tree, right.tree, left.tree, repository.settings.same_change)
        brought = merged.edits.keys() | merged.conflicts.keys()
        shown = [change for change in _differing(repository, base, right, prefix) if change.path in brought]
    return JSONResponse(difference_page(shown, call, merged.conflicts))


def find_merge_base(server: Server, call: Call) -> Response:
    """The three commits that a merge would look at."""
    repository = server.repository(call.path["repository"])
    with repository.database.lock:
        source = repository.refs.resolve(call.path["source"]).commit
        destination = repository.refs.head(call.path["destination"])
        base = repository.commits.merge_base(destination, source)
    return JSONResponse(
        {"source_commit_id": source.id, "destination_commit_id": destination.id, "base_commit_id": base.id}
    )


def merge_into_branch(server: Server, call: Call) -> Response:
    """200 with the new commit; 409 for conflicts, 400 when there is nothing to merge or the branch is dirty."""
    repository, wanted = server.repository(call.path["repository"]), call.json()
    force = bool(wanted.get("force"))
    repository.check_writable(force)
    made = repository.merge(
        call.path["source"], call.path["destination"], message=wanted.get("message") or "",
        metadata=wanted.get("metadata") or {}, strategy=wanted.get("strategy") or "",
        allow_empty=force or bool(wanted.get("allow_empty")), squash=bool(wanted.get("squash_merge")),
    )  # fmt: skip
    return JSONResponse({"reference": made.id})


def _differing(repository: Repository, before: Commit, after: Commit, prefix: str) -> list[Difference]:
    found = repository.trees.changes(before.tree, after.tree, prefix)
    return [d for d in found if not is_same(d.before, d.after, repository.settings.same_change)]


def _wanted(repository: Repository, call: Call) -> Iterator[Commit]:
    """Commits of the log that the query's filters let pass."""
    query = call.request.query_params
    paths = [(path, False) for path in query.getlist("objects")] + [(path, True) for path in query.getlist("prefixes")]
    stop_at = repository.refs.resolve(query["stop_at"]).commit.id if "stop_at" in query else None
    since = _seconds(query["since"]) if "since" in query else None
    start = repository.refs.resolve(call.path["ref"]).commit
    for commit in repository.commits.back_from(start, first_parent=call.flag("first_parent")):
        if since is not None and commit.creation_date < since:
            return
        if not paths or _touches(repository, commit, paths):
            yield commit
        if commit.id == stop_at:
            return


def _touches(repository: Repository, commit: Commit, paths: Sequence[tuple[str, bool]]) -> bool:
    """Whether a commit differs from its first parent at one of the paths, or below one that is a prefix."""
    before = repository.commits.get(commit.parents[0]).tree if commit.parents else repository.trees.empty()
    for path, is_prefix in paths:
        for change in repository.trees.changes(before, commit.tree, path):
            if is_prefix or change.path == path:
                return True
    return False


def _after(commits: Iterator[Commit], last: str) -> Iterator[Commit]:
    """What follows the commit with this id; all when there is none given."""
    if last:
        for commit in commits:
            if commit.id == last:
                break
    return commits


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise ApiError(400, f'parameter "since" has an error: {error}') from error


MERGE = "/repositories/{repository}/refs/{source}/merge/{destination}"
ROUTES = [
    Route("GET", "/repositories/{repository}/refs/{ref}/commits", log_commits),
    Route("GET", "/repositories/{repository}/refs/{left}/diff/{right}", diff_refs),
    Route("GET", MERGE, find_merge_base),
    Route("POST", MERGE, merge_into_branch),
]
