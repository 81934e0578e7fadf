"""The stand-in's faults: each does to a request what it says, to so many requests as it says, and to no other."""

import http.client
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest

from hour_lake_tests.lakefs_server.running import Running, running
from hour_lake_tests.lakefs_server_cases import ask, commit, new_repository, path_of, put

DATA = b"0123456789" * 60_000  # more than one piece


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("stand-in"), repository=None) as server:
        yield server


@pytest.fixture
def server(started: Running) -> Running:
    started.clear_faults()
    started.clear_log()
    return started


@pytest.fixture
def main(started: Running) -> Any:
    return new_repository(started).branch("main")


def commits(server: Running, main: Any) -> int:
    return len(ask(server, "GET", f"/repositories/{main.repo_id}/refs/main/commits").json["results"])


@pytest.mark.parametrize("status", [423, 429, 500, 503])
def test_a_status_is_answered_and_nothing_done(server: Running, main: Any, status: int) -> None:
    from lakefs.exceptions import ServerException

    put(main, a=b"1")
    server.fault("status", method="POST", path="/commits$", status=status)
    with pytest.raises(ServerException) as refused:
        main.commit("m")
    assert refused.value.status_code == status
    assert refused.value.body["message"]
    assert commits(server, main) == 1
    main.commit("m")
    assert commits(server, main) == 2
    assert server.waiting_faults() == []


@pytest.mark.parametrize(("kind", "lands"), [("drop_request", False), ("lost_answer", True)])
def test_a_connection_ends_without_an_answer(server: Running, main: Any, kind: str, lands: bool) -> None:
    put(main, a=b"1")
    server.fault(kind, method="POST", path="/commits")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(server, "POST", f"/repositories/{main.repo_id}/branches/main/commits", {"message": "m"})
    assert commits(server, main) == 1 + lands
    assert [(r["status"], r["fault"]) for r in server.log() if r["method"] == "POST"][-1] == (None, kind)


def test_a_lost_answer_of_a_merge_and_of_an_upload_leave_them_done(server: Running, main: Any) -> None:
    import lakefs

    exp = lakefs.Branch(main.repo_id, "exp", main._client).create("main")
    made = commit(exp, a=b"1")
    server.fault("lost_answer", method="POST", path="/merge/")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(server, "POST", f"/repositories/{main.repo_id}/refs/exp/merge/main", {})
    assert main.get_commit().parents[1] == made
    place = ask(server, "GET", f"/repositories/{main.repo_id}/branches/main/staging/backing?path=b&presign=true").json
    server.fault("lost_answer", method="PUT", path="^/_store/")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(server, "PUT", place["presigned_url"], DATA)
    body = {"staging": place, "checksum": "c", "size_bytes": len(DATA)}
    assert ask(server, "PUT", f"/repositories/{main.repo_id}/branches/main/staging/backing?path=b", body).status == 200
    assert main.object("b").reader(pre_sign=False).read() == DATA


def test_bodies_are_slow_short_and_wrong(server: Running, main: Any) -> None:
    put(main, a=DATA)
    at = f"/repositories/{main.repo_id}/refs/main/objects?path=a"
    server.fault("slow_body", path="objects.path=a", seconds=0.02, piece_bytes=60_000)
    began = time.monotonic()
    assert ask(server, "GET", at).body == DATA
    assert 0.2 <= time.monotonic() - began < 5
    server.fault("short_body", path="objects.path=a")
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(server, "GET", at)
    assert cut.value.partial == DATA[: len(DATA) // 2]
    server.fault("flipped_body", path="objects.path=a")
    wrong = ask(server, "GET", at).body
    assert [n for n, (one, other) in enumerate(zip(wrong, DATA, strict=True)) if one != other] == [0]
    assert ask(server, "GET", at).body == DATA


def test_a_fault_waits_for_its_turn_and_ends(server: Running, main: Any) -> None:
    server.fault("status", path="/branches/main$", times=2, after=1, status=503)
    statuses = [ask(server, "GET", f"/repositories/{main.repo_id}/branches/main").status for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]
    server.fault("status", path="/branches/main$", status=503)
    server.fault("status", path="/branches/main$", status=429)
    statuses = [ask(server, "GET", f"/repositories/{main.repo_id}/branches/main").status for _ in range(3)]
    assert statuses == [503, 429, 200]
    server.fault("status", path="nowhere")
    assert [fault["path"] for fault in server.waiting_faults()] == ["nowhere"]
    server.clear_faults()
    assert server.waiting_faults() == []


def test_the_log_has_what_was_asked_in_order(server: Running, main: Any) -> None:
    server.clear_log()
    ask(server, "GET", f"/repositories/{main.repo_id}/branches", amount=3)
    ask(server, "GET", path_of(main, "x").replace(main.id, "nobody"))
    assert server.log() == [
        {"method": "GET", "path": f"/api/v1/repositories/{main.repo_id}/branches", "query": "amount=3", "status": 200,
         "fault": None},
        {"method": "GET", "path": "/api/v1/repositories/nobody/x", "query": "", "status": 404, "fault": None},
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [{"kind": "fire"}, {"kind": "status", "colour": "red"}])
def test_a_fault_that_is_none_is_refused(server: Running, wrong: dict[str, str]) -> None:
    with pytest.raises(HTTPError, match="400"):
        server.fault(**wrong)
