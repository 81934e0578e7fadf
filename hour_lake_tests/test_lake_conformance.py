"""What every lake must do; each test runs on every implementation."""

import hashlib
import uuid
from pathlib import Path

import pytest

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Lake
from hour_lake_tests.lake_cases import IMPLEMENTATIONS, commit, contents, promises


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def implementation(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def lake(implementation: str, tmp_path: Path) -> Lake:
    return IMPLEMENTATIONS[implementation](tmp_path)


def test_a_new_lake_is_empty_and_has_main(lake: Lake) -> None:
    assert list(lake.branches()) == ["main"]
    assert dict(lake.tags()) == {}
    assert list(lake.entries("main")) == []
    assert [c.parents for c in lake.log("main")] == [()]


def test_what_was_put_is_read_back(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"moving picture")
    with lake.transaction("main", {"run_id": "r1"}, message="first") as transaction:
        staged = transaction.put("segments/bob/x.mp4", file, {"fingerprint": "abc", "parts": '{"ä": "\\n"}'})
        transaction.put("layers/blink/bob/x.parquet", b"", {})
    assert lake.read("main", "segments/bob/x.mp4") == b"moving picture"
    assert lake.read(transaction.commit_id, "layers/blink/bob/x.parquet") == b""
    entry = lake.entry("main", "segments/bob/x.mp4")
    assert entry == staged
    assert entry.digest == hashlib.sha256(b"moving picture").hexdigest()
    assert entry.size_bytes == 14
    assert entry.metadata == {"fingerprint": "abc", "parts": '{"ä": "\\n"}'}
    assert lake.local_file("main", entry).read_bytes() == b"moving picture"
    assert file.read_bytes() == b"moving picture"


def test_a_commit_tells_where_it_came_from(lake: Lake) -> None:
    first = lake.resolve("main")
    second = commit(lake, {"a": b"1"}, message="a came", metadata={"run_id": "r", "asset": "segments"})
    newest = next(lake.log("main"))
    assert (newest.id, newest.parents, newest.message) == (second, (first,), "a came")
    assert newest.metadata == {"run_id": "r", "asset": "segments"}
    assert newest.created_ms > 1_600_000_000_000


def test_nothing_is_seen_before_the_block_ends(lake: Lake) -> None:
    with lake.transaction("main", {}) as transaction:
        transaction.put("a", b"1")
        assert lake.entry("main", "a") is None
    assert lake.read("main", "a") == b"1"


def test_a_block_that_fails_publishes_nothing(lake: Lake) -> None:
    before = commit(lake, {"kept": b"1"})
    with pytest.raises(ZeroDivisionError), lake.transaction("main", {}) as transaction:
        transaction.put("a", b"1")
        raise ZeroDivisionError
    assert lake.resolve("main") == before
    with pytest.raises(ValueError, match="commit_id"):
        _ = transaction.commit_id
    assert commit(lake, {"a": b"2"}) != before
    assert contents(lake, "main") == {"kept": b"1", "a": b"2"}


def test_within_a_transaction_the_last_word_counts(lake: Lake) -> None:
    with lake.transaction("main", {}) as transaction:
        transaction.put("a", b"1")
        transaction.put("a", b"2")
        transaction.put("b", b"1")
        transaction.delete("b")
        transaction.delete("c")
        transaction.put("c", b"3")
    assert contents(lake, "main") == {"a": b"2", "c": b"3"}


@pytest.mark.parametrize("again", [{}, {"a": b"1"}], ids=["nothing", "the same"])
def test_a_commit_without_changes_is_no_commit(lake: Lake, again: dict[str, bytes]) -> None:
    head = commit(lake, {"a": b"1", "b": b"2"})
    assert commit(lake, again, deletes=["not there"]) == head
    assert lake.resolve("main") == head
    assert commit(lake, {"a": b"one"}) != head


def test_metadata_alone_is_a_change(lake: Lake) -> None:
    head = commit(lake, {"a": b"1", "b": b"2"})
    with lake.transaction("main", {}) as transaction:
        transaction.put("a", b"1", {"fingerprint": "new"})
        transaction.put("b", b"2", {"length": "1"})
    assert [(c.path, c.kind) for c in lake.diff(head, "main")] == [("a", "changed")]
    entry = lake.entry("main", "a")
    assert entry is not None and entry.metadata == {"fingerprint": "new"}


def test_commits_never_change(lake: Lake) -> None:
    first = commit(lake, {"a": b"1", "b": b"1"})
    second = commit(lake, {"a": b"2"}, deletes=["b"])
    assert contents(lake, first) == {"a": b"1", "b": b"1"}
    assert contents(lake, second) == contents(lake, "main") == {"a": b"2"}


def test_readers_stay_at_the_commit_they_began_with(lake: Lake) -> None:
    old = commit(lake, {f"p/{i:04d}": b"old" for i in range(700)})
    entries, changes = lake.entries("main", "p/"), lake.diff("main", old)
    commit(lake, {f"p/{i:04d}": b"new" for i in range(0, 700, 3)}, deletes=["p/0001"])
    assert len(list(entries)) == 700
    assert list(changes) == []
    assert len(list(lake.diff("main", old))) == 235


def test_entries_come_in_path_order_and_by_any_prefix(lake: Lake) -> None:
    paths = ["a", "a/b", "a/b/c", "a-b", "ab/c", "b", "z/ä", "z/z", "z/\U0001f3a5"]
    commit(lake, {path: path.encode() for path in reversed(paths)})
    for prefix in ("", "a", "a/", "a/b", "ab/", "b/", "z/", "z/ä", "nothing", "zz"):
        assert [e.path for e in lake.entries("main", prefix)] == sorted(p for p in paths if p.startswith(prefix))


def test_a_branch_is_a_snapshot_of_its_own(lake: Lake) -> None:
    base = commit(lake, {"a": b"1"})
    assert lake.create_branch("exp", "main") == base
    commit(lake, {"a": b"exp"}, branch="exp")
    commit(lake, {"b": b"main"})
    assert contents(lake, "exp") == {"a": b"exp"}
    assert contents(lake, "main") == {"a": b"1", "b": b"main"}
    assert set(lake.branches()) == {"main", "exp"}
    lake.delete_branch("exp")
    assert set(lake.branches()) == {"main"}
    with pytest.raises(LakeError, match="REF_NOT_FOUND"):
        lake.resolve("exp")


def test_a_branch_may_begin_anywhere(lake: Lake) -> None:
    old = commit(lake, {"a": b"1"})
    commit(lake, {"a": b"2"})
    lake.tag("dataset/talks/v1", old)
    for name, source in (("by_commit", old), ("by_prefix", old[:8]), ("by_tag", "dataset/talks/v1")):
        lake.create_branch(name, source)
        assert contents(lake, name) == {"a": b"1"}


def test_tags_never_move(lake: Lake) -> None:
    old = commit(lake, {"a": b"1"})
    assert lake.tag("dataset/talks/v1", "main") == old
    new = commit(lake, {"a": b"2"})
    assert lake.tag("dataset/talks/v1", old) == old
    with pytest.raises(LakeError, match="TAG_IMMUTABLE"):
        lake.tag("dataset/talks/v1", "main")
    assert lake.tag("dataset/talks/v2", "main") == new
    assert dict(lake.tags()) == {"dataset/talks/v1": old, "dataset/talks/v2": new}
    assert lake.read("dataset/talks/v1", "a") == b"1"


def test_a_name_is_taken_once(lake: Lake) -> None:
    commit(lake, {"a": b"1"})
    lake.create_branch("exp", "main")
    lake.tag("v1", "main")
    for clash in (lambda: lake.create_branch("exp", "main"), lambda: lake.create_branch("v1", "main"),
                  lambda: lake.tag("exp", "main")):  # fmt: skip
        with pytest.raises(LakeError, match="REF_EXISTS"):
            clash()
    assert set(lake.branches()) == {"main", "exp"}


@pytest.mark.parametrize("name", ["HEAD", "a..b", "später", "x" * 300, "x'; DROP TABLE refs; --", "", "-x", "a b",
                                  "a\n", "f" * 64, "/a", "a//b", "a/", "\udcff"])  # fmt: skip
def test_bad_names_are_refused_beside_good_ones(lake: Lake, name: str) -> None:
    for make in (lake.create_branch, lake.tag):
        with pytest.raises(LakeError) as refused:
            make(name, "main")
        assert refused.value.code == "REF_NAME_INVALID"
    lake.create_branch("good-name_1", "main")
    lake.tag("good/name.1", "main")
    assert set(lake.branches()) == {"main", "good-name_1"}


def test_an_unknown_ref_is_answered_with_near_names(lake: Lake) -> None:
    lake.create_branch("blink-threshold", "main")
    for ask in (lake.resolve, lambda r: list(lake.entries(r)), lambda r: lake.read(r, "a"), lambda r: lake.tag("t", r),
                lambda r: list(lake.diff("main", r)), lambda r: lake.create_branch("new", r)):  # fmt: skip
        with pytest.raises(LakeError) as refused:
            ask("blink-treshold")
        assert refused.value.code == "REF_NOT_FOUND"
        assert "blink-threshold" in str(refused.value.fix)
    for short in ("abc", "0" * 10, lake.resolve("main")[:7], "\udcff", "a\x00", ""):
        with pytest.raises(LakeError, match="REF_NOT_FOUND"):
            lake.resolve(short)
    assert lake.resolve(lake.resolve("main")[:8]) == lake.resolve("main")


def test_transactions_need_a_branch(lake: Lake) -> None:
    head = commit(lake, {"a": b"1"})
    lake.tag("v1", "main")
    for ref in ("mian", "v1", head):
        with pytest.raises(LakeError, match="REF_NOT_FOUND"):
            commit(lake, {"a": b"2"}, branch=ref)
    assert lake.read("main", "a") == b"1"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", "./a", "a\nb", "a\x00", "e\u0301",
                                  "x" * 1025, "\u202egnp"])  # fmt: skip
def test_bad_paths_are_refused_beside_good_ones(lake: Lake, path: str) -> None:
    with lake.transaction("main", {}) as transaction:
        transaction.put("good", b"1")
        with pytest.raises(LakeError) as refused:
            transaction.put(path, b"1")
        assert refused.value.code == "PATH_INVALID"
    assert [e.path for e in lake.entries("main")] == ["good"]


def test_a_path_that_is_not_there(lake: Lake) -> None:
    commit(lake, {"layers/blink/bob.parquet": b"1"})
    for path in ("layers/blink/bop.parquet", "\udcff", "", "z"):
        assert lake.entry("main", path) is None
    with pytest.raises(LakeError, match="PATH_NOT_FOUND") as refused:
        lake.read("main", "layers/blink/bop.parquet")
    assert "bob.parquet" in str(refused.value.fix)


def test_diff_both_ways(lake: Lake) -> None:
    before = commit(lake, {"x/same": b"0", "x/gone": b"1", "x/other": b"2", "y/far": b"3"})
    after = commit(lake, {"x/other": b"two", "x/new": b"4", "y/far": b"three"}, deletes=["x/gone"])
    forth = list(lake.diff(before, after, "x/"))
    assert [(c.path, c.kind) for c in forth] == [("x/gone", "removed"), ("x/new", "added"), ("x/other", "changed")]
    back = {c.path: c for c in lake.diff(after, before, "x/")}
    for change in forth:
        assert (change.before, change.after) == (back[change.path].after, back[change.path].before)
        assert change.before == lake.entry(before, change.path)
        assert change.after == lake.entry(after, change.path)
    assert len(list(lake.diff(before, after))) == 4
    assert list(lake.diff(before, before)) == []


def test_log_by_path_and_limit(lake: Lake) -> None:
    a = commit(lake, {"layers/blink/x": b"1", "tables/x": b"1"}, message="blink")
    b = commit(lake, {"layers/mouth/x": b"1"}, message="mouth")
    c = commit(lake, {}, deletes=["layers/blink/x"], message="blink gone")
    assert [x.id for x in lake.log("main")][:3] == [c, b, a]
    assert [x.message for x in lake.log("main", "layers/blink/")] == ["blink gone", "blink"]
    assert [x.message for x in lake.log(b, "layers/")] == ["mouth", "blink"]
    assert [x.id for x in lake.log("main", limit=2)] == [c, b]
    assert list(lake.log("main", "nowhere/")) == []


def test_a_change_is_laid_on_a_moved_head(lake: Lake) -> None:
    commit(lake, {"a": b"1", "b": b"1", "c": b"1"})
    with lake.transaction("main", {}) as late:
        late.put("a", b"late")
        late.put("same", b"both", {"length": "4"})
        late.delete("c")
        commit(lake, {"b": b"quick", "same": b"both"}, deletes=["c"])
    assert contents(lake, "main") == {"a": b"late", "b": b"quick", "same": b"both"}


def test_a_path_changed_differently_by_both_is_a_conflict(lake: Lake) -> None:
    base = commit(lake, {"a": b"1", "b": b"1"})
    with pytest.raises(LakeError) as refused, lake.transaction("main", {}) as late:  # noqa: PT012
        late.put("a", b"late")
        late.put("b", b"late")
        head = commit(lake, {"a": b"quick"})
    assert refused.value.code == "CONFLICT" and refused.value.passing
    assert base in refused.value.message and head in refused.value.message
    assert refused.value.value == "a"
    assert contents(lake, "main") == {"a": b"quick", "b": b"1"}
    commit(lake, {"b": b"again"})
    assert lake.read("main", "b") == b"again"


def test_a_fenced_writer_publishes_nothing(lake: Lake) -> None:
    head = commit(lake, {"a": b"1"})

    def given_up() -> None:
        raise LakeError("FENCED", "the run was given up on", value="run-7")

    with pytest.raises(LakeError, match="FENCED"):
        commit(lake, {"a": b"zombie"}, fence=given_up)
    assert lake.resolve("main") == head
    asked: list[str] = []
    commit(lake, {"a": b"alive"}, fence=lambda: asked.append("yes"))
    assert asked == ["yes"]
    assert lake.read("main", "a") == b"alive"


def test_an_attempt_that_landed_is_not_repeated(lake: Lake) -> None:
    attempt = uuid.uuid4().hex
    first = commit(lake, {"a": b"1"}, attempt=attempt)
    later = commit(lake, {"a": b"2"})
    assert commit(lake, {"a": b"1"}, attempt=attempt) == first
    assert lake.resolve("main") == later
    with pytest.raises(LakeError, match="ATTEMPT_REUSED"):
        commit(lake, {"a": b"3"}, attempt=attempt)
    assert lake.read("main", "a") == b"2"


def test_a_branch_with_an_open_transaction_stays(lake: Lake) -> None:
    lake.create_branch("exp", "main")
    lake.create_branch("idle", "main")
    with lake.transaction("exp", {}) as transaction:
        transaction.put("a", b"1")
        with pytest.raises(LakeError, match="BRANCH_BUSY"):
            lake.delete_branch("exp")
        lake.delete_branch("idle")
    lake.delete_branch("exp")
    with pytest.raises(LakeError, match="BRANCH_PROTECTED"):
        lake.delete_branch("main")
    assert list(lake.branches()) == ["main"]


def test_the_same_bytes_are_the_same_object(lake: Lake) -> None:
    commit(lake, {"a": b"twin", "b": b"twin"})
    commit(lake, {"c": b"twin"})
    assert len({lake.local_file("main", e) for e in lake.entries("main")}) == 1


def test_an_empty_lake_again(lake: Lake) -> None:
    paths = {f"p/{i}": b"%d" % i for i in range(50)}
    full = commit(lake, paths)
    empty = commit(lake, {}, deletes=paths)
    assert list(lake.entries("main")) == []
    assert [c.kind for c in lake.diff(full, empty)] == ["removed"] * 50
    assert [c.kind for c in lake.diff(empty, full)] == ["added"] * 50
    commit(lake, {"p/7": b"7"})
    assert contents(lake, "main") == {"p/7": b"7"}


def test_a_merge_takes_what_the_source_changed(lake: Lake) -> None:
    base = commit(lake, {f"p/{n:03d}": b"1" for n in range(100)})
    lake.create_branch("exp", "main")
    exp = commit(lake, {"p/007": b"exp", "new": b"exp", "both": b"same"}, deletes=["p/050", "p/060"], branch="exp")
    main = commit(lake, {"p/090": b"main", "both": b"same"}, deletes=["p/060"])
    merged = lake.merge("exp", "main", message="keep it", metadata={"who": "ann"})
    after = {f"p/{n:03d}": b"1" for n in range(100)} | {
        "p/007": b"exp",
        "new": b"exp",
        "both": b"same",
        "p/090": b"main",
    }
    assert contents(lake, "main") == {path: data for path, data in after.items() if path not in ("p/050", "p/060")}
    newest = next(lake.log("main"))
    assert (newest.id, newest.parents, newest.message, newest.metadata) == (
        merged,
        (main, exp),
        "keep it",
        {"who": "ann"},
    )
    assert {c.id for c in lake.log("main")} >= {base, exp, main, merged}
    assert lake.resolve("exp") == exp
    assert lake.merge("exp", "main") == merged
    assert lake.merge(base, "main") == merged


def test_a_merge_into_a_branch_that_stood_still(lake: Lake) -> None:
    commit(lake, {"a": b"1"})
    lake.create_branch("exp", "main")
    exp = commit(lake, {"a": b"2"}, branch="exp")
    merged = lake.merge("exp", "main")
    assert list(lake.diff(exp, merged)) == []
    assert lake.merge("main", "exp") != exp
    assert list(lake.diff("main", "exp")) == []


def test_a_conflict_names_its_paths_and_leaves_the_target_alone(lake: Lake) -> None:
    commit(lake, {"a": b"1", "b": b"1", "c": b"1", "d": b"1"})
    lake.create_branch("exp", "main")
    commit(lake, {"a": b"exp", "c": b"exp", "fine": b"exp"}, deletes=["b"], branch="exp")
    head = commit(lake, {"a": b"main", "b": b"main"}, deletes=["c"])
    for source, into in (("exp", "main"), ("main", "exp")):
        stood = lake.resolve(into)
        with pytest.raises(LakeError) as refused:
            lake.merge(source, into)
        assert refused.value.code == "MERGE_CONFLICT"
        assert refused.value.message.endswith(": a, b, c")
        assert lake.resolve(into) == stood
    commit(lake, {"a": b"main", "b": b"main"}, deletes=["c"], branch="exp")
    lake.merge("exp", "main")
    assert contents(lake, "main") == {"a": b"main", "b": b"main", "d": b"1", "fine": b"exp"}
    assert contents(lake, head) == {"a": b"main", "b": b"main", "d": b"1"}


def test_a_merge_there_and_back_is_remembered(lake: Lake) -> None:
    """What was merged and then taken back by hand is not brought again by the next merge."""
    commit(lake, {"a": b"1", "b": b"1"})
    lake.create_branch("exp", "main")
    commit(lake, {"a": b"2"}, branch="exp")
    commit(lake, {"a": b"2"})
    lake.merge("exp", "main")
    commit(lake, {"a": b"1"})
    commit(lake, {"b": b"2"}, branch="exp")
    lake.merge("exp", "main")
    assert contents(lake, "main") == {"a": b"1", "b": b"2"}
    lake.merge("main", "exp")
    assert contents(lake, "exp") == {"a": b"1", "b": b"2"}


def test_a_merge_leaves_what_is_derived_as_it_is(lake: Lake) -> None:
    """Tables made from the layers of a branch are made again after a merge: two branches never conflict over them."""
    commit(lake, {"layers/a": b"1", "tables/a": b"of 1", "tables/b": b"of 1"})
    lake.create_branch("exp", "main")
    commit(lake, {"layers/b": b"2", "tables/a": b"of 2", "tables/b": b"of 2"}, branch="exp")
    commit(lake, {"layers/c": b"3", "tables/a": b"of 3"})
    with pytest.raises(LakeError, match="MERGE_CONFLICT"):
        lake.merge("exp", "main")
    lake.merge("exp", "main", leave=["tables/"])
    assert contents(lake, "main") == {"layers/a": b"1", "layers/b": b"2", "layers/c": b"3",
                                      "tables/a": b"of 3", "tables/b": b"of 1"}  # fmt: skip


def test_a_merge_has_the_guards_of_a_transaction(lake: Lake) -> None:
    commit(lake, {"a": b"1"})
    lake.create_branch("exp", "main")
    commit(lake, {"a": b"2"}, branch="exp")
    head = lake.resolve("main")

    def given_up() -> None:
        raise LakeError("FENCED", "the run was given up on")

    with pytest.raises(LakeError, match="FENCED"):
        lake.merge("exp", "main", fence=given_up)
    with pytest.raises(LakeError, match="REF_NOT_FOUND"):
        lake.merge("exq", "main")
    with pytest.raises(LakeError, match="REF_NOT_FOUND"):
        lake.merge("exp", head)
    assert lake.resolve("main") == head
    merged = lake.merge("exp", "main", attempt="m1")
    commit(lake, {"a": b"3"})
    assert lake.merge("exp", "main", attempt="m1") == merged
    assert lake.read("main", "a") == b"3"


def test_metadata_may_be_long(lake: Lake, implementation: str) -> None:
    expected = {"a": {"said": "ä\n" * 1000, "digests": uuid.uuid4().hex * 20},
                "b": {"noise": "".join(uuid.uuid4().hex for _ in range(200))}}  # fmt: skip
    with lake.transaction("main", expected["b"]) as transaction:
        transaction.put("a", b"1", expected["a"])
        if promises(implementation, "metadata of any length"):
            transaction.put("b", b"1", expected["b"])
        else:
            with pytest.raises(LakeError, match="METADATA_LIMIT"):
                transaction.put("b", b"1", expected.pop("b"))
    assert {entry.path: entry.metadata for entry in lake.entries("main")} == expected
    assert len(next(lake.log("main")).metadata["noise"]) == 6400


def test_messages_and_times(lake: Lake, implementation: str) -> None:
    for number in range(3):
        commit(lake, {"a": b"%d" % number})
    found = list(lake.log("main", limit=3))
    assert {c.message for c in found} == {"" if promises(implementation, "empty messages") else "no message"}
    times = [c.created_ms for c in found]
    assert times == sorted(times, reverse=True)
    assert promises(implementation, "times in milliseconds") or {time % 1000 for time in times} == {0}
