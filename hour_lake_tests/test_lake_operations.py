"""The n-th storage operation of a request fails: the answer is true, nothing is lost, and asked again it succeeds."""

import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.lake_actors import Actor
from hour_lake_tests.lake_oracle import Oracle
from hour_lake_tests.lake_requests import FAULTS, REQUESTS, Fault, ask, make_lake
from hour_lake_tests.sizes import size

CASES = size(8, night=1000)  # of each request and fault, spread over its operations
# Only a commit writes files by itself; a torn write of the database is SQLite's to notice.
KINDS = [(name, fault) for name in REQUESTS for fault in FAULTS if fault != "torn" or name == "commit"]
FAILED = {"STORAGE_IO", "STORAGE_FULL", "STORAGE_UNAVAILABLE"}


@pytest.fixture
def template(scratch: Path) -> tuple[Path, list[str]]:
    folder = scratch / "template" / "lake"
    folder.parent.mkdir()
    return folder.parent, Actor(make_lake, folder).end()


@pytest.mark.parametrize(("name", "fault"), KINDS)
def test_any_operation_may_fail(scratch: Path, template: tuple[Path, list[str]], name: str, fault: Fault) -> None:
    made, told = template
    outcomes = Counter[str]()
    for nth in _spread(_count(made, scratch / "counted", name, fault)):
        folder, oracle = _copied(made, scratch / str(nth), name), Oracle()
        for line in told if name != "open" else []:
            oracle.note(line)
        if name == "delete branch":
            oracle.note("deleting side")
        actor = Actor(ask, folder, name, fault, nth)
        answer = next(actor.lines(), "killed")
        list(actor.lines())
        assert actor.process.exitcode == (-signal.SIGKILL if answer == "killed" else 0), (name, fault, nth)
        outcomes[answer] += 1
        lake = EmbeddedLake.open(folder)
        oracle.check_all(lake)
        _assert_true(name, answer, lake)
        _ask_again(name, lake)
        oracle.check_all(lake)
        lake.store.database.close()
        shutil.rmtree(folder.parent)
    print(f"{name}, {fault}: {outcomes.total()} cases, {dict(outcomes)}")
    assert set(outcomes) <= {"done", "killed", "COMMIT_UNKNOWN", *FAILED}


def _assert_true(name: str, answer: str, lake: EmbeddedLake) -> None:
    """What it said has come about, or has not. Who was killed, or told COMMIT_UNKNOWN, may find either."""
    if REQUESTS[name].is_whole and answer in {"done", *FAILED}:
        assert REQUESTS[name].landed(lake) == (answer == "done"), answer


def _ask_again(name: str, lake: EmbeddedLake) -> None:
    """It succeeds; where it had landed it may also be said that it is there already, or gone already."""
    landed = REQUESTS[name].landed(lake)
    try:
        REQUESTS[name].ask(lake)
    except LakeError as error:
        assert landed and error.code in {"REF_EXISTS", "REF_NOT_FOUND"}
    assert REQUESTS[name].landed(lake)


def _copied(made: Path, target: Path, name: str) -> Path:
    """A lake of its own for one case; none at all where opening one is what is asked for."""
    if name == "open":
        target.mkdir()
    else:
        shutil.copytree(made, target)
    return target / "lake"


def _count(made: Path, target: Path, name: str, fault: Fault) -> int:
    """How many operations there are when none fails."""
    answer, operations = Actor(ask, _copied(made, target, name), name, fault, 10**9).end()
    assert answer == "done"
    return int(operations)


def _spread(operations: int) -> list[int]:
    cases = min(operations, CASES)
    return sorted({1 + round(k * (operations - 1) / max(1, cases - 1)) for k in range(cases)})
