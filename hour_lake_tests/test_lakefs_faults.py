"""When the server or the way to it fails: nothing is lost, nothing is done twice, and every error has a code."""

import hashlib
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Entry
from hour_lake.lake.lakefs.access import Access
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.lake import LakefsLake
from hour_lake.lake.lakefs.publish import Intent, Proposal, publish
from hour_lake.lake.lakefs.transfer import Content
from hour_lake.lake.remote import RemoteOptions
from hour_lake_tests.lake_cases import commit, contents
from hour_lake_tests.lakefs_cases import access_to, lake_on, lakefs_on_the_stand_in, stand_in
from hour_lake_tests.lakefs_server.running import Running, running
from hour_lake_tests.sizes import size

DROPS = size(10, night=1_000)  # answers lost of each kind
COMMITS = size(10, night=100)
WRITERS = 4
# A merge takes some fifty requests: by day every fifth one fails, and each kind of failure begins elsewhere.
STEP = 1 if DROPS >= 100 else 5
FIRST = {"lost_answer": 0, "drop_request": 1, "status": 3}
MERGE, COMMIT, UPLOAD = "/refs/[^/]+/merge/", "/branches/[^/]+/commits", "/branches/[^/]+/objects"


@pytest.fixture
def server() -> Iterator[Running]:
    server = stand_in()
    yield server
    server.clear_faults()


@pytest.fixture
def lake(tmp_path: Path, server: Running) -> LakefsLake:
    lake = lakefs_on_the_stand_in(tmp_path)
    commit(lake, {"a": b"1", "gone": b"1", "said": b"1"})
    return lake


def hasty(lake: LakefsLake, **options) -> LakefsLake:
    """The same lake, opened again by somebody with little patience."""
    chosen = RemoteOptions(**{"cache": lake.cache.folder, "patience_seconds": 0.5, **options})
    return LakefsLake(Client(lake.client.repository, lambda: lake.client.access, chosen))


def history(lake: LakefsLake) -> list[str]:
    return [found.message for found in lake.log("main")]


def staged_branches(lake: LakefsLake) -> int:
    return lake.store.staging.open_on("main")


def one_transaction(lake: LakefsLake, message: str) -> str:
    """Every kind of change in one."""
    with lake.transaction("main", {"run_id": "r"}, message=message) as transaction:
        transaction.put("a", message.encode())
        transaction.put("said", b"1", {"said": message})
        transaction.put(f"new/{message}", b"")
        transaction.delete("gone")
    return transaction.commit_id


def one_merge(lake: LakefsLake, message: str) -> str:
    """A merge whose result has to be made on a staging branch, since both sides wrote the same."""
    name = f"exp-{message.replace(' ', '-')}"
    lake.create_branch(name, "main")
    with lake.transaction(name, {}) as there, lake.transaction("main", {}) as here:
        for transaction in (there, here):
            transaction.put("a", message.encode())
        there.put(f"new/{message}", b"")
    merged = lake.merge(name, "main", message=message)
    lake.delete_branch(name)
    return merged


@pytest.mark.parametrize("act", [one_transaction, one_merge])
@pytest.mark.parametrize("fault", ["lost_answer", "drop_request", "status"])
def test_any_one_request_may_fail(
    lake: LakefsLake, server: Running, act: Callable[[LakefsLake, str], str], fault: str
) -> None:
    """The first request fails, then the second, and so on until an act is done with before its turn has come."""
    before, turn, done = len(history(lake)), FIRST[fault] if act is one_merge else 0, list[str]()
    while not server.waiting_faults():
        server.fault(fault, path=lake.client.repository, after=turn, status=(423, 429, 500, 503)[turn % 4])
        done.append(f"{fault} {turn}")
        act(lake, done[-1])
        turn += STEP if act is one_merge else 1
    server.clear_faults()
    assert turn > 12
    messages = history(lake)
    assert [message for message in messages if message.startswith(fault)] == done[::-1]
    assert len(messages) == before + len(done) * (3 if act is one_merge else 1)
    assert set(contents(lake, "main")) == {"a", "said", *(f"new/{message}" for message in done)} | (
        {"gone"} if act is one_merge else set()
    )
    assert staged_branches(lake) == 0
    assert set(lake.branches()) == {"main"}


@pytest.mark.parametrize("path", [MERGE, COMMIT])
def test_lost_answers_are_found_again_and_nothing_is_done_twice(lake: LakefsLake, server: Running, path: str) -> None:
    commits = []
    for number in range(DROPS):
        server.fault("lost_answer", method="POST", path=f"{lake.client.repository}{path}")
        commits.append(commit(lake, {f"p/{number}": b"%d" % number}, message=f"drop {number}"))
    assert server.waiting_faults() == []
    assert [c.id for c in lake.log("main", limit=DROPS)] == commits[::-1]
    assert len(history(lake)) == 2 + DROPS
    assert contents(lake, "main", "p/") == {f"p/{number}": b"%d" % number for number in range(DROPS)}


def test_an_outcome_that_cannot_be_known_is_said_to_be_unknown(lake: LakefsLake, server: Running) -> None:
    before, repository = len(history(lake)), lake.client.repository
    broken = hasty(lake)

    def then_nobody_answers() -> None:
        server.fault("lost_answer", path=f"{repository}{MERGE}")
        server.fault("drop_request", method="GET", path=f"{repository}/branches/main", times=10_000)

    with pytest.raises(LakeError, match="COMMIT_UNKNOWN") as refused:
        commit(broken, {"a": b"2"}, attempt="lost", fence=then_nobody_answers)
    assert refused.value.passing
    server.clear_faults()
    assert staged_branches(lake) == 1
    landed = lake.landed("lost", "main")
    assert landed is not None and len(history(lake)) == before + 1
    assert commit(lake, {"a": b"2"}, attempt="lost") == landed.id
    assert len(history(lake)) == before + 1
    assert lake.sweep(grace_seconds=0) == 1
    assert lake.read("main", "a") == b"2"


def test_a_merge_that_never_came_through_has_not_landed(lake: LakefsLake, server: Running) -> None:
    before, head = history(lake), lake.resolve("main")
    server.fault("drop_request", path=f"{lake.client.repository}{MERGE}", times=10_000)
    with pytest.raises(LakeError, match="STORAGE_UNAVAILABLE") as refused:
        commit(hasty(lake), {"a": b"2"})
    assert refused.value.passing
    server.clear_faults()
    assert (history(lake), lake.resolve("main"), staged_branches(lake)) == (before, head, 0)


def test_a_server_that_is_gone(tmp_path: Path) -> None:
    access = Access("http://127.0.0.1:9", "key", "not-to-be-shown")
    lake = LakefsLake(Client("talks", lambda: access, RemoteOptions(cache=tmp_path, patience_seconds=0.3)))
    with pytest.raises(LakeError, match="STORAGE_UNAVAILABLE") as refused:
        lake.check()
    assert refused.value.passing and "not-to-be-shown" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("presigned", [False, True])
def test_a_body_that_is_slow_or_short_is_fetched_again(lake: LakefsLake, server: Running, presigned: bool) -> None:
    data = os.urandom(64_000)
    head = commit(lake, {"long": data})
    entry = lake.entry(head, "long")
    assert entry is not None
    reader = hasty(lake, presigned=presigned, timeout_seconds=0.5, patience_seconds=10)
    body = "_presigned|/objects\\?" if not presigned else "^/(?!api)"
    for fault in (
        {"kind": "slow_body", "piece_bytes": 1000},
        {"kind": "short_body"},
        {"kind": "flipped_body"},
        {"kind": "drop_request"},
    ):
        server.fault(**fault, method="GET", path=body)
        assert reader.read(head, "long") == data
        assert server.waiting_faults() == []
        server.fault(**fault, method="GET", path=body)
        assert reader.local_file(head, entry).read_bytes() == data
        reader.local_file(head, entry).unlink()
    server.fault("short_body", method="GET", path=body, times=100)
    with pytest.raises(LakeError, match="INTEGRITY") as refused:
        reader.read(head, "long")
    assert "long" in str(refused.value.where)


def test_altered_bytes_are_noticed(tmp_path: Path) -> None:
    """On a server whose disk has changed one byte."""
    with running(tmp_path / "root", repository=None) as server:
        lake = lake_on(access_to(server), "local://tests", tmp_path / "cache")
        head = commit(lake, {"clip": b"moving picture", "other": b"still"})
        entry = lake.entry(head, "clip")
        assert entry is not None
        (file,) = (f for f in (tmp_path / "root").rglob("*") if f.is_file() and f.read_bytes() == b"moving picture")
        file.chmod(0o644)
        file.write_bytes(b"moving pictuRe")
        for read in (lambda: lake.read(head, "clip"), lambda: lake.local_file(head, entry)):
            with pytest.raises(LakeError, match="INTEGRITY") as noticed:
                read()
            assert entry.digest in str(noticed.value.value) and "clip" in str(noticed.value.where)
        assert not list(lake.cache.folder.glob("new-*"))
        assert lake.read(head, "other") == b"still"


def test_an_upload_that_arrives_altered_is_noticed(lake: LakefsLake) -> None:
    head, data = lake.resolve("main"), b"moving picture"
    entry = Entry("clip", hashlib.sha256(data).hexdigest(), len(data))
    with lake.store.staging.open("main", "attempt", head) as branch, pytest.raises(LakeError, match="INTEGRITY"):
        lake.store.transfer.upload(branch, entry, Content(b"moving pictuRe", 14, entry.digest, "md5 of what was meant"))


def test_a_publication_that_came_out_otherwise_is_noticed(lake: LakefsLake) -> None:
    """What the server merged is compared with what was wanted."""
    lake.create_branch("exp", "main")
    source = commit(lake, {"a": b"2", "b": b"2"}, branch="exp")
    wanted = {path: lake.entry(source, path) for path in ("a", "b")}
    intent = Intent("main", {}, "m", "attempt", None, may_have_landed=False)
    for paths in ({"a": wanted["a"]}, {**wanted, "b": lake.entry(source, "said")}, {**wanted, "b": None}):
        head = lake.resolve("main")
        with pytest.raises(LakeError, match="INTEGRITY") as noticed:
            publish(lake.store, intent, "", lambda head, paths=paths: Proposal(source, paths, squash=True))
        assert noticed.value.value == "b" and noticed.value.where == lake.resolve("main") != head
        commit(lake, {"a": b"1"}, deletes=["b"])


def test_a_wrong_key_is_denied(lake: LakefsLake) -> None:
    good = lake.client.access
    wrong = Access(good.endpoint, good.key_id, "wrong-and-not-to-be-shown")
    stranger = LakefsLake(Client(lake.client.repository, lambda: wrong, lake.client.options))
    with pytest.raises(LakeError, match="STORAGE_DENIED") as refused:
        stranger.resolve("main")
    assert not refused.value.passing


def test_keys_may_expire_and_be_renewed(lake: LakefsLake, server: Running) -> None:
    repository = lake.client.repository
    head = lake.resolve("main")
    server.fault("status", status=401, path=repository, times=2)
    with pytest.raises(LakeError, match="CREDENTIALS_EXPIRED") as refused:
        lake.resolve("main")
    assert refused.value.passing
    server.clear_faults()
    good = lake.client.access
    keys = [Access(good.endpoint, good.key_id, "old"), good]
    renewing = LakefsLake(Client(repository, lambda: keys.pop(0) if len(keys) > 1 else keys[0], lake.client.options))
    assert renewing.resolve("main") == head


def test_what_may_not_be_done(lake: LakefsLake, server: Running) -> None:
    server.fault("status", status=403, method="POST", path=f"{lake.client.repository}{MERGE}")
    with pytest.raises(LakeError, match="STORAGE_DENIED"):
        commit(lake, {"a": b"2"})
    assert staged_branches(lake) == 0 and lake.read("main", "a") == b"1"


def test_a_failed_upload_publishes_nothing(lake: LakefsLake, server: Running) -> None:
    before = lake.resolve("main")
    server.fault("status", status=403, method="POST", path=f"{lake.client.repository}{UPLOAD}", after=30)
    with pytest.raises(LakeError, match="STORAGE_DENIED"):
        commit(lake, {f"p/{number}": b"%d" % number for number in range(200)})
    assert lake.resolve("main") == before and staged_branches(lake) == 0


def test_what_a_dead_writer_left_is_swept_after_the_grace_period(lake: LakefsLake) -> None:
    opened = lake.store.staging.open("main", "attempt", lake.resolve("main"))
    opened.__enter__()
    assert "main" in lake.branches() and len(lake.branches()) == 1
    assert staged_branches(lake) == 1
    assert lake.sweep(grace_seconds=3600) == 0
    assert lake.sweep(grace_seconds=0) == 1
    assert staged_branches(lake) == 0
    opened.__exit__(None, None, None)


def test_a_transaction_whose_staging_was_swept_is_fenced(lake: LakefsLake) -> None:
    before = lake.resolve("main")
    with pytest.raises(LakeError, match="FENCED"), lake.transaction("main", {}) as slow:  # noqa: PT012
        slow.put("a", b"2")
        slow.uploads.finish()
        lake.sweep(grace_seconds=0)
    assert lake.resolve("main") == before


@contextmanager
def errors_collected() -> Iterator[list[str]]:
    texts: list[str] = []
    try:
        yield texts
    except LakeError as error:
        texts += [str(error), repr(error), repr(error.as_dict()), "".join(traceback.format_exception(error))]


def test_no_error_shows_a_secret(lake: LakefsLake, server: Running) -> None:
    """Neither the key nor a presigned URL, whatever fails."""
    secret, texts = server.secret_key, [repr(access_to(server)), repr(lake.s3()), repr(lake.client)]
    for path, presigned in (("^/api/", False), ("^/api/", True), ("^/(?!api|_faults)", True)):
        before = len(texts)
        for fault in ("drop_request", "status", "short_body", "lost_answer"):
            for method in ("GET", "POST", "PUT"):
                impatient = hasty(lake, presigned=presigned, patience_seconds=0.01)
                server.fault(fault, method=method, path=path, status=403, times=100)
                with errors_collected() as collected:
                    commit(impatient, {"x": os.urandom(8)})
                with errors_collected() as collected_reading:
                    impatient.read(impatient.resolve("main"), "a")
                server.clear_faults()
                texts += [*collected, *collected_reading]
        assert len(texts) - before > 12
    shown = "\n".join(texts)
    assert secret not in shown and "ignature" not in shown and "X-Amz" not in shown


def test_writers_that_race_all_land(lake: LakefsLake) -> None:
    acknowledged: list[list[str]] = [[] for _ in range(WRITERS)]
    failed: list[BaseException] = []

    def write(writer: int) -> None:
        mine = hasty(lake, patience_seconds=60)
        try:
            for number in range(COMMITS):
                commit_id = commit(mine, {f"w{writer}/{number}": b"%d" % number, f"w{writer}/count": b"%d" % number})
                acknowledged[writer].append(commit_id)
        except BaseException as error:
            failed.append(error)

    _side_by_side(write)
    assert failed == []
    known = [found.id for found in lake.log("main")]
    assert sorted(known[:-2]) == sorted(sum(acknowledged, []))
    for writer in range(WRITERS):
        assert [one for one in known if one in acknowledged[writer]] == acknowledged[writer][::-1]
        assert lake.read("main", f"w{writer}/count") == str(COMMITS - 1).encode()
    assert staged_branches(lake) == 0


def test_appending_to_one_file_loses_nothing(lake: LakefsLake) -> None:
    """Read a list, append to it, write it back: a lost update would be a missing line. Who is late tries again."""
    failed: list[BaseException] = []

    def append(writer: int) -> None:
        mine, number = hasty(lake, patience_seconds=60), 0
        while number < COMMITS // 2:
            try:
                with mine.transaction("main", {}) as transaction:
                    base = transaction.base
                    so_far = mine.read(base, "list") if mine.entry(base, "list") else b""
                    transaction.put("list", so_far + f"{writer}-{number}\n".encode())
                number += 1
            except LakeError as error:
                if error.code != "CONFLICT":
                    failed.append(error)
                    raise

    _side_by_side(append)
    assert failed == []
    lines = lake.read("main", "list").decode().split()
    assert sorted(lines) == sorted(f"{writer}-{n}" for writer in range(WRITERS) for n in range(COMMITS // 2))


def _side_by_side(act: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=act, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
