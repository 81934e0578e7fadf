"""Each thing that a lake can be asked to change, once, on a lake that has something of everything."""

import errno
import os
import signal
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.fsck import check
from hour_lake.lake.gc import collect
from hour_lake_tests.lake_actors import Tell, damage, leave_behind, reopened_from_format_1
from hour_lake_tests.lake_oracle import put_turn
from hour_lake_tests.lake_storage import Do, Operation, watched

Fault = Literal["before", "after", "torn", "dead", "kill"]
FAULTS: tuple[Fault, ...] = ("before", "after", "torn", "dead", "kill")


@dataclass(frozen=True)
class Request:
    """How it is asked for, and whether it has come about."""

    ask: Callable[[EmbeddedLake], object]
    landed: Callable[[EmbeddedLake], bool]
    is_whole: bool = True  # done entirely or not at all; else it may get halfway, and goes on when asked again


def _commit(lake: EmbeddedLake) -> None:
    with lake.transaction("main", {}, attempt="asked") as transaction:
        put_turn(transaction, "new", "new", 0)
        put_turn(transaction, "old", "new", 1)
        transaction.put("copied/one", lake.folder.with_name("source"), {"turn": "new"})
        transaction.put("copied/two", lake.folder.with_name("source"), {"turn": "new"})


def _holds(lake: EmbeddedLake, path: str) -> bool:
    return lake.entry("main", path) is not None


REQUESTS: Mapping[str, Request] = {
    "open": Request(lambda lake: lake, lambda lake: "main" in lake.branches(), is_whole=False),
    "commit": Request(_commit, lambda lake: _holds(lake, "new/count")),
    "merge": Request(lambda lake: lake.merge("side", "main"), lambda lake: _holds(lake, "side/count")),
    "branch": Request(lambda lake: lake.create_branch("new", "main"), lambda lake: "new" in lake.branches()),
    "tag": Request(lambda lake: lake.tag("v1", "main"), lambda lake: "v1" in lake.tags()),
    "delete branch": Request(lambda lake: lake.delete_branch("side"), lambda lake: "side" not in lake.branches()),
    "gc": Request(lambda lake: collect(lake, grace_seconds=0, dry_run=False), lambda lake: True, is_whole=False),
    "fsck": Request(lambda lake: check(lake, repair=True), lambda lake: True, is_whole=False),
    "migrate": Request(reopened_from_format_1, lambda lake: True, is_whole=False),
}  # fmt: skip


def make_lake(folder: Path, tell: Tell) -> None:
    """A lake with two branches that went apart, things to collect, and a source to copy from beside it."""
    lake = EmbeddedLake.open(folder)
    folder.with_name("source").write_bytes(b"new" * 500_000)
    for branch, puts in (("main", "old"), ("side", "side"), ("main", "beside"), ("gone", "gone")):
        if branch not in lake.branches():
            tell(f"branch {branch} {lake.create_branch(branch, 'main')}")
        with lake.transaction(branch, {}) as transaction:
            put_turn(transaction, puts, puts, 0)
        tell(f"commit {branch} {transaction.commit_id}")
    damage(lake, lake.resolve("gone"), "gone")
    tell("deleting gone")
    lake.delete_branch("gone")
    leave_behind(lake.staging.folder / "dead")


class Faulty:
    """Makes the n-th operation fail: before or after it is done, half done, from then on, or as the last one."""

    def __init__(self, fault: Fault, nth: int) -> None:
        self.fault, self.nth, self.seen, self.lock = fault, nth, 0, Lock()

    def __call__(self, operation: Operation, do: Do) -> Any:
        with self.lock:
            if self.fault != "torn" or operation.kind == "write":
                self.seen += 1
            turn = self.seen - self.nth
        if turn < 0 or (turn > 0 and self.fault != "dead") or (self.fault == "torn" and operation.kind != "write"):
            return do()
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "after":
            do()
        if self.fault == "torn":
            half = operation.data[: len(operation.data) // 2]
            with Path(operation.path).open("ab") as file:
                file.write(half)
        raise _io_error(operation)


def _io_error(operation: Operation) -> Exception:
    if operation.kind != "sql":
        return OSError(errno.EIO, os.strerror(errno.EIO), operation.path)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    return error


def ask(folder: Path, name: str, fault: Fault, nth: int, tell: Tell) -> None:
    """Ask for one thing while an operation fails; tells the outcome, and how many operations there were."""
    faulty = Faulty(fault, nth)
    with watched(folder, faulty):
        try:
            REQUESTS[name].ask(EmbeddedLake.open(folder))
            tell("done")
        except LakeError as error:
            tell(error.code)
    tell(str(faulty.seen))
