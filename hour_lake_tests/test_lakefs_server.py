"""The stand-in's API, driven with the real SDK and with plain HTTP: models, errors, pages, branches, merges."""

import math
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hour_lake_tests.lakefs_server.running import Running, running
from hour_lake_tests.lakefs_server_cases import ask, client_of, commit, contents, new_repository, path_of, put
from hour_lake_tests.lakefs_server_cases import main as main
from hour_lake_tests.lakefs_server_cases import repository as repository


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("stand-in"), repository=None) as started:
        yield started


def test_every_answer_is_what_the_sdk_s_model_says(server: Running, repository: Any, main: Any) -> None:
    """Each raw body is parsed by its model and comes out the same: nothing needed is missing, nothing is misspelt."""
    first = commit(main, a=b"1", b=b"22")
    repository.branch("exp").create("main")
    put(repository.branch("exp"), a=b"new", b=None)
    repository.tag("v1").create("main")
    at, exp = path_of(repository), f"{path_of(repository)}/branches/exp"
    expected = {
        ("GET", "/config"): "Config",
        ("GET", "/config/version"): "VersionConfig",
        ("GET", "/config/storage"): "StorageConfig",
        ("GET", "/user"): "CurrentUser",
        ("GET", "/repositories"): "RepositoryList",
        ("GET", at): "Repository",
        ("GET", f"{at}/branches"): "RefList",
        ("GET", f"{at}/branches/main"): "Ref",
        ("GET", f"{exp}/diff"): "DiffList",
        ("GET", f"{at}/tags"): "RefList",
        ("GET", f"{at}/tags/v1"): "Ref",
        ("GET", f"{at}/commits/main"): "Commit",
        ("GET", f"{at}/refs/main/commits"): "CommitList",
        ("GET", f"{at}/refs/main/objects/ls"): "ObjectStatsList",
        ("GET", f"{at}/refs/main/objects/ls?presign=true"): "ObjectStatsList",
        ("GET", f"{at}/refs/main/objects/ls?prefix=&delimiter=a"): "ObjectStatsList",
        ("GET", f"{at}/refs/main/objects/stat?path=a"): "ObjectStats",
        ("GET", f"{at}/refs/main/objects/stat?path=a&presign=true"): "ObjectStats",
        ("GET", f"{at}/refs/main/objects/underlyingProperties?path=a"): "UnderlyingObjectProperties",
        ("GET", f"{exp}/staging/backing?path=c"): "StagingLocation",
        ("GET", f"{exp}/staging/backing?path=c&presign=true"): "StagingLocation",
        ("POST", f"{exp}/objects?path=d"): "ObjectStats",
        ("GET", f"{at}/refs/exp/merge/main"): "FindMergeBaseResult",
        ("GET", f"{at}/refs/{first}~1/diff/main?include_right_stats=true"): "DiffList",
        ("GET", f"{at}/refs/main/diff/{first}~1?delimiter=/"): "DiffList",
    }
    for (method, path), model in expected.items():
        assert_is(model, ask(server, method, path, b"" if method == "POST" else None).json)
    assert_is("ObjectErrorList", ask(server, "POST", f"{exp}/objects/delete", {"paths": ["a"]}).json)
    assert_is("Commit", ask(server, "POST", f"{exp}/commits", {"message": "m"}).json)
    assert_is("MergeResult", ask(server, "POST", f"{at}/refs/exp/merge/main").json)
    assert_is("Commit", ask(server, "POST", f"{exp}/cherry-pick", {"ref": first}).json)


def assert_is(model: str, body: Any) -> None:
    import lakefs_sdk

    assert getattr(lakefs_sdk, model).parse_obj(body).to_dict() == body


ERRORS: dict[str, tuple[str, str, Any, int]] = {
    "unknown repository": ("GET", "/repositories/nobody", None, 404),
    "unknown path of the API": ("GET", "/nothing", None, 404),
    "method that a path does not have": ("PATCH", "/config", None, 405),
    "repository name": ("POST", "/repositories", {"name": "No", "storage_namespace": "s3://b/x"}, 400),
    "repository namespace": ("POST", "/repositories", {"name": "good", "storage_namespace": "ftp://b/x"}, 400),
    "repository without namespace": ("POST", "/repositories", {"name": "good"}, 400),
    "namespace in use": ("POST", "/repositories", {"name": "good", "storage_namespace": "s3://stand-in/ID/"}, 400),
    "repository there": ("POST", "/repositories", {"name": "ID", "storage_namespace": "s3://b/other"}, 409),
    "unknown branch": ("GET", "AT/branches/nope", None, 404),
    "branch there": ("POST", "AT/branches", {"name": "main", "source": "main"}, 409),
    "branch of nothing": ("POST", "AT/branches", {"name": "new", "source": "nope"}, 404),
    "branch with a slash": ("POST", "AT/branches", {"name": "a/b", "source": "main"}, 400),
    "branch with a dot": ("POST", "AT/branches", {"name": "a.b", "source": "main"}, 400),
    "branch beginning with a dash": ("POST", "AT/branches", {"name": "-a", "source": "main"}, 400),
    "branch that is no text": ("POST", "AT/branches", {"name": 7, "source": "main"}, 400),
    "body that is no JSON": ("POST", "AT/branches", b"{", 400),
    "default branch deleted": ("DELETE", "AT/branches/main", None, 403),
    "unknown branch deleted": ("DELETE", "AT/branches/nope", None, 404),
    "kind of reset": ("PUT", "AT/branches/main", {"type": "all"}, 400),
    "tag there": ("POST", "AT/tags", {"id": "v1", "ref": "main~1"}, 409),
    "tag there at the same commit": ("POST", "AT/tags", {"id": "v1", "ref": "main"}, 409),
    "tag with a blank": ("POST", "AT/tags", {"id": "v 1", "ref": "main"}, 400),
    "tag with a colon": ("POST", "AT/tags", {"id": "v:1", "ref": "main"}, 400),
    "tag of nothing": ("POST", "AT/tags", {"id": "v2", "ref": "nope"}, 404),
    "unknown tag": ("GET", "AT/tags/nope", None, 404),
    "unknown tag deleted": ("DELETE", "AT/tags/nope", None, 404),
    "commit of nothing": ("POST", "AT/branches/main/commits", {"message": "m"}, 400),
    "commit without message": ("POST", "AT/branches/main/commits", {}, 400),
    "commit on no branch": ("POST", "AT/branches/nope/commits", {"message": "m"}, 404),
    "metadata that is no text": ("POST", "AT/branches/main/commits", {"message": "m", "metadata": {"a": 1}}, 400),
    "unknown commit": ("GET", "AT/commits/0123456789", None, 404),
    "parent before the first": ("GET", "AT/commits/main~9", None, 404),
    "second parent of one": ("GET", "AT/commits/main^2", None, 404),
    "no expression": ("GET", "AT/commits/main~~^x", None, 400),
    "unknown object": ("GET", "AT/refs/main/objects?path=nope", None, 404),
    "object without path": ("GET", "AT/refs/main/objects", None, 400),
    "stat of an unknown object": ("GET", "AT/refs/main/objects/stat?path=nope", None, 404),
    "upload to a tag": ("POST", "AT/branches/v1/objects?path=a", b"", 404),
    "upload to a bad path": ("POST", "AT/branches/main/objects?path=a//b", b"", 400),
    "page too large": ("GET", "AT/refs/main/objects/ls?amount=1001", None, 400),
    "page that is no number": ("GET", "AT/branches?amount=x", None, 400),
    "more than 1000 deleted": ("POST", "AT/branches/main/objects/delete", {"paths": ["p"] * 1001}, 400),
    "merge into a tag": ("POST", "AT/refs/main/merge/v1", {}, 404),
    "merge of nothing": ("POST", "AT/refs/main~1/merge/main", {}, 400),
    "merge with a bad strategy": ("POST", "AT/refs/main/merge/main", {"strategy": "mine"}, 400),
    "diff of a bad type": ("GET", "AT/refs/main/diff/v1?type=four_dot", None, 400),
    "unknown import": ("GET", "AT/branches/main/import?id=nope", None, 404),
    "import from elsewhere": (
        "POST", "AT/branches/main/import",
        {"paths": [{"type": "object", "path": "gs://b/x", "destination": "x"}], "commit": {"message": "m"}}, 400,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def known(server: Running) -> Any:
    """A repository with a commit and a tag that no test changes."""
    made = new_repository(server)
    commit(made.branch("main"), a=b"1")
    made.tag("v1").create("main")
    return made


@pytest.mark.parametrize("case", ERRORS)
def test_errors_have_their_status_and_a_message(server: Running, known: Any, case: str) -> None:
    method, path, body, status = ERRORS[case]
    if isinstance(body, dict):
        body = {
            name: value.replace("ID", known.id) if isinstance(value, str) else value for name, value in body.items()
        }
    answer = ask(server, method, path.replace("AT", path_of(known)), body)
    assert answer.status == status
    assert_is("Error", answer.json)
    assert answer.json["message"]
    assert [b.id for b in known.branches()] == ["main"]
    assert [t.id for t in known.tags()] == ["v1"]
    assert list(known.branch("main").uncommitted()) == []


def test_only_those_with_the_keys_are_let_in(server: Running) -> None:
    assert ask(server, "GET", "/healthcheck", headers={"Authorization": ""}).status == 204
    for wrong in ("", "Basic", "Basic !", "Basic Og==", "Bearer x"):
        answer = ask(server, "GET", "/repositories", headers={"Authorization": wrong})
        assert (answer.status, answer.json) == (401, {"message": "error authenticating request"})


def test_names_are_those_the_documentation_allows(repository: Any) -> None:
    for name in ("a", "_x-1", "tx-0b9c1d52-6a7b-4a8e", "B" * 200):
        assert repository.branch(name).create("main").head.id == repository.branch("main").head.id
    for name in ("v1.0", "dataset/talks/v1", "x-1_y", "ü"):
        repository.tag(name).create("main")
        assert repository.ref(name).get_commit().message == "Repository created"
        repository.tag(name).delete()
    assert list(repository.tags()) == []


@pytest.fixture(scope="module")
def lengthy(server: Running) -> Any:
    """A repository in which every list is longer than three."""
    made = new_repository(server)
    main = made.branch("main")
    for number in range(5):
        commit(main, **{f"f{number}": b"1", f"folder{number}x{number}": b"2"})
        made.tag(f"t{number}").create("main")
        made.branch(f"b{number}").create("main")
    put(main, f1=b"other", f2=None, new=b"3", newer=b"4")
    return made


@pytest.mark.parametrize("amount", [1, 3, 1000, -1])
@pytest.mark.parametrize(
    "of",
    ["branches", "tags", "refs/main/objects/ls", "refs/main/objects/ls?delimiter=x", "branches/main/diff",
     "refs/main/commits", "refs/b0/diff/main", "refs/main/diff/b0?type=two_dot"],
)  # fmt: skip
def test_pages_put_together_are_the_whole(server: Running, lengthy: Any, of: str, amount: int) -> None:
    seen = everything(server, f"{path_of(lengthy)}/{of}", amount)
    whole = ask(server, "GET", f"{path_of(lengthy)}/{of}", amount=1000).json
    assert seen == whole["results"]
    assert whole["pagination"] == {"has_more": False, "next_offset": "", "results": len(seen), "max_per_page": 1000}
    assert len(seen) > 3


def everything(server: Running, path: str, amount: int) -> list[Any]:
    """All pages of a list; none but the last is shorter than it may be."""
    found, after, has_more = [], "", True
    while has_more:
        page = ask(server, "GET", path, amount=amount, after=after).json
        after, has_more = page["pagination"]["next_offset"], page["pagination"]["has_more"]
        assert page["pagination"]["results"] == len(page["results"])
        assert not has_more or len(page["results"]) == amount
        found += page["results"]
    return found


def test_names_below_a_prefix_are_grouped_by_the_delimiter(repository: Any, main: Any) -> None:
    commit(main, **{"a/x": b"1", "a/y/z": b"2", "b": b"3"})
    put(main, **{"a/y/new": b"4", "c/d": b"5"})
    shown = [o.path for o in main.objects(delimiter="/")]
    assert shown == ["a/", "b", "c/"]
    assert [o.path for o in main.objects(prefix="a/", delimiter="/")] == ["a/x", "a/y/"]
    assert [(c.path, c.path_type) for c in main.uncommitted()] == [("a/y/new", "object"), ("c/d", "object")]
    first = repository.ref("main~1")
    grouped = [(c.type, c.path, c.path_type) for c in first.diff("main", delimiter="/")]
    assert grouped == [("prefix_changed", "a/", "common_prefix"), ("added", "b", "object")]


def test_uncommitted_changes_are_seen_on_their_branch_alone(repository: Any, main: Any) -> None:
    head = commit(main, kept=b"1", gone=b"2", changed=b"3")
    put(main, new=b"4", changed=b"5", gone=None)
    seen = {"kept": b"1", "changed": b"5", "new": b"4"}
    assert contents(main) == seen
    for elsewhere in (head, "main@", "main~0"):
        assert contents(repository.ref(elsewhere)) == {"kept": b"1", "gone": b"2", "changed": b"3"}
    assert contents(repository.branch("exp").create("main")) == {"kept": b"1", "gone": b"2", "changed": b"3"}
    changes = {(c.type, c.path) for c in main.uncommitted()}
    assert changes == {("added", "new"), ("changed", "changed"), ("removed", "gone")}
    assert main.object("gone").exists() is False
    assert contents(repository.ref(main.commit("second").id)) == seen
    assert list(main.uncommitted()) == []


def test_uncommitted_changes_can_be_forgotten(main: Any) -> None:
    commit(main, a=b"1")
    put(main, **{"a": b"2", "x/1": b"3", "x/2": b"4", "y": b"5"})
    main.reset_changes("object", "a")
    main.reset_changes("common_prefix", "x/")
    assert contents(main) == {"a": b"1", "y": b"5"}
    main.reset_changes()
    assert contents(main) == {"a": b"1"}


def test_a_commit_says_what_it_was_told(server: Running, repository: Any, main: Any) -> None:
    root = main.head.id
    put(main, a=b"1")
    made = main.commit("first", {"run": "r1"}, date=1_700_000_000).get_commit()
    assert (made.parents, made.message, made.metadata) == ([root], "first", {"run": "r1"})
    assert made.creation_date == 1_700_000_000
    assert len(made.id) == 64 and int(made.id, 16)
    empty = ask(server, "POST", f"{path_of(repository)}/branches/main/commits", {"message": "m", "allow_empty": True})
    assert empty.status == 201 and empty.json["parents"] == [made.id] and empty.json["generation"] == 3
    put(main, a=b"1")  # the same bytes again are no change
    answer = ask(server, "POST", f"{path_of(repository)}/branches/main/commits", {"message": "m"})
    assert (answer.status, answer.json) == (400, {"message": "commit: no changes"})


def test_ref_expressions_go_back_in_history(repository: Any, main: Any) -> None:
    first = commit(main, a=b"1")
    side = commit(repository.branch("side").create("main"), b=b"2")
    second = commit(main, c=b"3")
    merged = repository.branch("side").merge_into("main")
    named = {
        "main": merged, "main~": second, "main^": second, "main^1": second, "main^2": side, "main~2": first,
        "main^2~1": first, "main^2^": first, merged[:12]: merged, f"{merged[:12]}~1": second, "main@": merged,
        "main^0": merged,
    }  # fmt: skip
    assert {ref: repository.ref(ref).get_commit().id for ref in named} == named


def test_the_log_is_filtered(server: Running, repository: Any, main: Any) -> None:
    one = commit(main, **{"x/a": b"1"})
    two = commit(main, **{"y/b": b"1"})
    side = commit(repository.branch("side").create("main"), **{"x/c": b"2"})
    three = commit(main, z=b"1")
    merged = repository.branch("side").merge_into("main")
    log = lambda **query: [c.id for c in main.log(**query)]  # noqa: E731
    root = repository.ref("main").log(first_parent=True)
    assert [c.id for c in root][:-1] == [merged, three, two, one]
    assert log()[:-1] == [merged, three, side, two, one]
    assert log(prefixes=["x/"]) == [merged, side, one]
    assert log(objects=["x/a", "z"]) == [three, one]
    assert log(objects=["x/"]) == []
    assert log(stop_at=two) == [merged, three, side, two]
    assert log(amount=2, limit=True) == [merged, three]
    assert log(since=datetime.now(UTC).replace(year=2100)) == []
    assert log(since=datetime.fromtimestamp(0, UTC))[0] == merged


TABLE = [  # docs.lakefs.io, "Merges in lakeFS": base, source, destination, result; X is a missing file
    "AAAA", "ABBB", "ABC!", "AABB", "ABAB", "AXXX", "ABX!", "AXB!", "AAXX", "AXAX", "XAAA", "XAB!", "XAXA", "XXAA",
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
def test_merges_are_as_the_documented_table_has_them(repository: Any, main: Any, row: str) -> None:
    from lakefs.exceptions import ConflictException

    def write(branch: Any, content: str) -> str:
        held = branch.object("file").exists()
        if content != "X" or held:
            put(branch, file=None if content == "X" else content.encode())
        put(branch, **{f"own-{branch.id}": str(branch.head.id).encode()})
        return branch.commit("m").id

    base, source, destination, result = row
    write(main, base)
    exp = repository.branch("exp").create("main")
    write(exp, source)
    before = write(main, destination)
    if result == "!":
        for strategy, winner in (("", None), ("dest-wins", destination), ("source-wins", source)):
            if winner is None:
                with pytest.raises(ConflictException) as refused:
                    exp.merge_into(main)
                assert refused.value.body["message"] == "conflict found"
                assert main.head.id == before
                conflicts = [c.path for c in main.diff(exp) if c.type == "conflict"]
                assert conflicts == ["file"]
            else:
                target = repository.branch(strategy).create(before)
                exp.merge_into(target, strategy=strategy)
                assert contents(target).get("file", b"X") == winner.encode()
    else:
        exp.merge_into(main)
        assert contents(main).get("file", b"X") == result.encode()
        assert contents(main).keys() >= {"own-exp", "own-main"}


def test_a_merge_is_a_commit_of_both(repository: Any, main: Any) -> None:
    from lakefs.exceptions import BadRequestException

    exp = repository.branch("exp").create("main")
    side = commit(exp, a=b"1")
    here = main.head.id
    merged = repository.ref(exp.merge_into(main, message="why", metadata={"run": "r1"})).get_commit()
    assert (merged.parents, merged.message) == ([here, side], "why")
    assert merged.metadata == {"run": "r1", ".lakefs.merge.strategy": "default"}
    for nothing in ({}, {"strategy": "source-wins"}):
        with pytest.raises(BadRequestException, match="no changes"):
            exp.merge_into(main, **nothing)
    again = repository.ref(exp.merge_into(main, allow_empty=True)).get_commit()
    assert again.parents == [merged.id, side]
    commit(exp, b=b"2")
    squashed = repository.ref(exp.merge_into(main, squash_merge=True)).get_commit()
    assert squashed.parents == [again.id]
    put(main, c=b"3")
    with pytest.raises(BadRequestException, match="uncommitted changes"):
        commit(exp, d=b"4")
        exp.merge_into(main)


def test_a_transaction_of_the_sdk_ends_as_one_merge(repository: Any, main: Any) -> None:
    with main.transact("all at once", {"run": "r1"}, tag="done") as transaction:
        transaction.object("a").upload(b"1", pre_sign=False)
        transaction.object("b").upload(b"2", pre_sign=True)
        assert contents(main) == {}
        assert [b.id for b in repository.branches()] == ["main"]
        assert len(list(repository.branches(show_hidden=True))) == 2
    assert contents(repository.tag("done")) == {"a": b"1", "b": b"2"}
    assert len(list(repository.branches(show_hidden=True))) == 1
    with pytest.raises(ZeroDivisionError), main.transact("never") as transaction:
        put(transaction, a=b"x")
        math.sqrt(1 / 0)
    assert contents(main) == {"a": b"1", "b": b"2"}


def test_commits_are_taken_back_and_done_again(repository: Any, main: Any) -> None:
    commit(main, a=b"1")
    second = commit(main, a=b"2", b=b"3")
    other = repository.branch("other").create("main~1")
    main.revert(second)
    assert contents(main) == {"a": b"1"}
    assert other.cherry_pick(second).message == "a commit"
    assert contents(other) == {"a": b"2", "b": b"3"}
    main._client.sdk_client.experimental_api.hard_reset_branch(repository.id, "main", ref="other")
    assert contents(main) == {"a": b"2", "b": b"3"}


def test_a_read_only_repository_is_only_read(server: Running) -> None:
    name = new_repository(server).id + "-ro"
    wanted = {"name": name, "storage_namespace": f"s3://stand-in/{name}", "read_only": True}
    assert ask(server, "POST", "/repositories", wanted).status == 201
    at = f"/repositories/{name}"
    assert ask(server, "POST", f"{at}/branches/main/objects?path=a", b"1").status == 403
    assert ask(server, "POST", f"{at}/branches/main/objects?path=a&force=true", b"1").status == 201
    assert ask(server, "DELETE", at).status == 403
    assert ask(server, "DELETE", f"{at}?force=true").status == 204
    assert ask(server, "GET", at).status == 404


@pytest.mark.parametrize("same_change", ["clean", "conflict"])
def test_the_switches_change_what_they_say(tmp_path: Path, same_change: str) -> None:
    from lakefs.exceptions import ConflictException

    empty_merge = "noop" if same_change == "clean" else "fail"
    with running(
        tmp_path,
        repository=None,
        same_change=same_change,
        empty_merge=empty_merge,
        metadata_keys="title",
        presign="off",
    ) as server:
        repository = new_repository(server)
        main, exp = repository.branch("main"), repository.branch("exp").create("main")
        commit(main, a=b"same")
        commit(exp, a=b"same")
        if same_change == "clean":
            assert exp.merge_into(main) == main.head.id != exp.head.id  # noop: nothing new, no commit
            assert len(repository.ref("main").get_commit().parents) == 1
        else:
            with pytest.raises(ConflictException):
                exp.merge_into(main)
        put(main, a=b"same")
        assert len(list(main.uncommitted())) == (same_change == "conflict")
        main.object("b").upload(b"1", metadata={"some-key": "v"})
        assert main.object("b").stat().metadata == {"Some-Key": "v"}
        assert (
            "presigned_url"
            not in ask(
                server, "GET", path_of(repository, "branches/main/staging/backing"), path="x", presign="true"
            ).json
        )


@pytest.mark.parametrize("empty_merge", ["fail", "fail-nothing-new", "noop"])
def test_what_counts_as_an_empty_merge_is_a_switch(tmp_path: Path, empty_merge: str) -> None:
    from lakefs.exceptions import BadRequestException

    with running(tmp_path, repository=None, empty_merge=empty_merge) as server:
        repository = new_repository(server)
        main, exp = repository.branch("main"), repository.branch("exp").create("main")
        commit(exp, a=b"same")
        head = commit(main, a=b"same", own=b"1")
        if empty_merge == "fail-nothing-new":
            with pytest.raises(BadRequestException, match="no changes"):
                exp.merge_into(main)
        else:
            assert repository.ref(exp.merge_into(main)).get_commit().parents == [head, exp.head.id]
        alike = repository.branch("alike").create("main")
        if empty_merge == "noop":
            assert alike.merge_into(main) == main.head.id
        else:
            with pytest.raises(BadRequestException, match="no changes"):
                alike.merge_into(main)
        assert contents(main) == {"a": b"same", "own": b"1"}


def test_branches_are_merged_one_after_the_other_however_they_come(repository: Any, main: Any) -> None:
    writers = 8
    ready = threading.Barrier(writers)

    def write(number: int) -> None:
        branch = repository.branch(f"w{number}").create("main", hidden=True)
        commit(branch, **{f"f{number}": b"1", f"g{number}": b"2"})
        ready.wait(20)
        branch.merge_into("main")
        branch.delete()

    in_parallel(write, writers)
    assert len(contents(main)) == 2 * writers
    merges = list(main.log(first_parent=True))
    assert len(merges) == writers + 1
    sizes = [len(list(repository.ref(c.id).objects())) for c in merges]
    assert sizes == list(range(2 * writers, -1, -2))


def test_one_of_many_writers_of_a_path_that_must_be_new_wins(server: Running, repository: Any) -> None:
    def write(number: int) -> int:
        return ask(
            server, "POST", path_of(repository, "branches/main/objects"), b"%d" % number,
            headers={"If-None-Match": "*"}, path="once",
        ).status  # fmt: skip

    assert sorted(in_parallel(write, 8)) == [201] + [412] * 7


def in_parallel(do: Callable[[int], Any], times: int) -> list[Any]:
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(do, range(times)))


def test_it_starts_by_itself_and_ends_with_its_starter(tmp_path: Path) -> None:
    for _ in range(2):  # the second time the repository is there already
        with running(tmp_path) as server:
            facts = ask(server, "GET", "/repositories/test-lake").json
            assert (facts["default_branch"], facts["storage_namespace"]) == ("main", "s3://stand-in/test-lake")
            assert server.process.stdin is not None
            server.process.stdin.close()
            assert server.process.wait(10) in (0, -signal.SIGTERM)


def test_all_is_there_after_a_kill(tmp_path: Path) -> None:
    with running(tmp_path, repository=None) as server:
        repository = new_repository(server)
        main = repository.branch("main")
        head = commit(main, a=b"1", b=b"2")
        put(main, c=b"3", a=None)
        repository.tag("v1").create("main")
        repository.branch("exp").create("main~1", hidden=True)
        url = ask(server, "GET", path_of(repository, "refs/main/objects/stat"), path="c", presign="true").json
        port = int(server.endpoint.rpartition(":")[2])
        server.kill()
    with running(tmp_path, repository=None, port=port) as server:
        import lakefs

        again = lakefs.Repository(repository.id, client_of(server))
        assert contents(again.branch("main")) == {"b": b"2", "c": b"3"}
        assert contents(again.tag("v1")) == contents(again.ref(head)) == {"a": b"1", "b": b"2"}
        assert [b.id for b in again.branches()] == ["main"]
        assert again.branch("exp").get_commit().message == "Repository created"
        assert ask(server, "GET", url["physical_address"]).body == b"3"
        assert again.branch("main").commit("after").get_commit().parents == [head]
