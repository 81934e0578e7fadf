"""Processes that write to a lake and read it, to be killed: each is a function that runs in a child of its own.

Children come from a server process that has the lake imported already (`multiprocessing`'s fork server), so that one is
there in some milliseconds and holds no lock or thread of the test's process.
"""

import itertools
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hour_lake.errors import LakeError
from hour_lake.lake import failpoints
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.fsck import check
from hour_lake.lake.gc import collect
from hour_lake_tests.lake_oracle import HIDDEN, look, put_turn
from hour_lake_tests.sizes import size

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__, "hour_lake_tests.lake_requests"])

BETWEEN_LOOKS_SECONDS = 0.01  # so that it leaves the processor to the writers
TURNS = size(3, night=20)

Tell = Callable[[str], None]


class Actor:
    """A child process at work; what it tells is read as lines."""

    def __init__(self, act: Callable[..., None], *arguments: Any, failpoint: str | None = None) -> None:
        self._reading, writing = CONTEXT.Pipe(duplex=False)
        self.process = CONTEXT.Process(target=_run, args=(act, arguments, writing, failpoint), daemon=True)
        self.process.start()
        writing.close()

    def lines(self) -> Iterator[str]:
        """What it has told since, until it ends; a line that was cut short by its death is left out."""
        try:
            while True:
                yield self._reading.recv_bytes().decode()
        except (EOFError, OSError):
            self.process.join()

    def first(self) -> list[str]:
        """The first line it tells: from then on it is at work."""
        return [self._reading.recv_bytes().decode()]

    def kill(self) -> list[str]:
        """End it as a lost machine would; what it had told before."""
        self.process.kill()
        return list(self.lines())

    def end(self) -> list[str]:
        """Wait until it has ended well; what it told."""
        lines = list(self.lines())
        assert self.process.exitcode == 0, "\n".join(lines[-3:])
        return lines


def _run(act: Callable[..., None], arguments: tuple[Any, ...], pipe: Connection, failpoint: str | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever started the tests may have it ignored, and so would we
    if failpoint:
        failpoints.arm(failpoint)
    act(*arguments, lambda line: pipe.send_bytes(line.encode()))


def write(folder: Path, slot: int, name: str, tell: Tell) -> None:
    """Commit, branch, tag, merge and drop for ever; nobody else writes to the folder of this slot meanwhile."""
    lake = EmbeddedLake.open(folder)
    tell(f"branch {name} {lake.create_branch(name, 'main')}")
    number = 0
    while True:
        with lake.transaction(name, {}) as transaction:
            put_turn(transaction, f"slot-{slot}", f"{name}-{number}", number)
        tell(f"commit {name} {transaction.commit_id}")
        if number % 3 == 2:
            tell(f"commit main {lake.merge(name, 'main')}")
        if number % 4 == 3:
            tell(f"tag turn/{name}/{number} {lake.tag(f'turn/{name}/{number}', name)}")
        if number % 5 == 4:
            drop(lake, f"{name}-{number}", tell)
        number += 1


def drop(lake: EmbeddedLake, name: str, tell: Tell) -> None:
    """Make a branch, unless a run before has been killed just then, commit to it and drop it."""
    if name not in lake.branches():
        tell(f"branch {name} {lake.create_branch(name, 'main')}")
    with lake.transaction(name, {}) as transaction:
        put_turn(transaction, name, name, 0)
    tell(f"commit {name} {transaction.commit_id}")
    tell(f"deleting {name}")
    lake.delete_branch(name)
    tell(f"deleted {name}")


def append(folder: Path, name: str, commits: int, lists: int, tell: Tell) -> None:
    """Add so many lines to the top of lists that all writers share; whoever was late reads again and retries.

    Tells `commit main ID` for each that landed, and `tried SECONDS CODE` for each try.
    """
    lake, chosen, number = EmbeddedLake.open(folder), random.Random(name), 0
    while number < commits:
        into, code = f"list-{chosen.randrange(lists)}", "landed"
        started = time.perf_counter()
        try:
            with lake.transaction("main", {}) as transaction:
                seen = lake.read("main", f"{into}/file") if lake.entry("main", f"{into}/file") else b""
                turn = f"{name}-{number}"
                transaction.put(f"{into}/file", f"{turn}\n".encode() + seen, {"turn": turn})
                transaction.put(f"{into}/twin", turn.encode(), {"turn": turn})
            number += 1
            tell(f"commit main {transaction.commit_id}")
        except LakeError as error:
            code = error.code
            if code != "CONFLICT":
                raise
        finally:
            tell(f"tried {time.perf_counter() - started:.4f} {code}")


def read(folder: Path, seed: int, tell: Tell) -> None:
    """Look at the lake for ever; tells `looked` now and then, or what was torn and ends."""
    chosen = random.Random(seed)
    while not (folder / "lake.sqlite3").exists():
        time.sleep(0.005)
    lake = EmbeddedLake.open(folder, create=False)
    for number in itertools.count():
        try:
            look(lake, chosen)
        except (AssertionError, LakeError) as wrong:
            tell(f"torn: {wrong!r}")
            raise
        if number % 20 == 0:
            tell("looked")
        time.sleep(BETWEEN_LOOKS_SECONDS)


@contextmanager
def readers(folder: Path, count: int = 1) -> Iterator[None]:
    """Processes that read the lake while the block runs; none may ever have seen anything torn."""
    reading = [Actor(read, folder, number) for number in range(count)]
    seen: list[list[str]] = [[] for _ in reading]
    try:
        yield
    finally:
        for number, reader in enumerate(reading):
            seen[number] = reader.kill()
    for looks in seen:
        assert set(looks) == {"looked"}, [line for line in looks if line != "looked"] or "nothing was looked at"


def everything(folder: Path, tell: Tell) -> None:
    """All that a lake can be asked to change, several times over; done again, it changes nothing."""
    lake = EmbeddedLake.open(folder)
    for turn in range(TURNS):
        lake = reopened_from_format_1(lake)
        branch, source = f"turn-{turn}", folder.with_name(f"{folder.name}-{turn}.bin")
        source.write_bytes(f"main-{turn}".encode() * 200_000)
        for _ in range(2):  # the second time its attempt has landed already
            with lake.transaction("main", {}, attempt=f"main-{turn}") as transaction:
                put_turn(transaction, "main", f"main-{turn}", turn)
                transaction.put(f"big-{turn}/one", source, {"turn": f"main-{turn}"})
                transaction.put(f"big-{turn}/two", source, {"turn": f"main-{turn}"})
            tell(f"commit main {transaction.commit_id}")
        drop(lake, f"brief-{turn}", tell)
        damage_and_mend(lake, f"{HIDDEN}{turn}")
        if branch not in lake.branches():
            tell(f"branch {branch} {lake.create_branch(branch, 'main')}")
        with lake.transaction(branch, {}) as transaction:
            for folder_number in range(8):
                put_turn(transaction, f"{branch}/{folder_number}", branch, turn)
        tell(f"commit {branch} {transaction.commit_id}")
        with lake.transaction("main", {}) as transaction:
            put_turn(transaction, f"beside-{turn}", f"main-{turn}", turn)
        tell(f"commit main {transaction.commit_id}")
        tell(f"commit main {lake.merge(branch, 'main')}")
        tell(f"tag v{turn} {lake.tag(f'v{turn}', branch)}")
        leave_behind(lake.staging.folder / f"dead-{turn}")
        collect(lake, grace_seconds=0, dry_run=False)


def reopened_from_format_1(lake: EmbeddedLake) -> EmbeddedLake:
    """The lake, made to be of the oldest format and brought back by opening it."""
    with lake.store.database.writing():
        lake.store.database.change("DROP TABLE ref_log")
        lake.store.database.change("PRAGMA user_version = 1")
    return EmbeddedLake.open(lake.folder)


def damage_and_mend(lake: EmbeddedLake, branch: str) -> None:
    """Lose a branch, an object that lies in the leftovers, and the bytes of another; nobody else looks at them."""
    if branch not in lake.branches():
        lake.create_branch(branch, "main")
    with lake.transaction(branch, {}) as transaction:
        put_turn(transaction, branch, branch, 0)
    damage(lake, transaction.commit_id, branch)
    lake.store.database.change("DELETE FROM refs WHERE name = ?", branch)
    check(lake, repair=True)
    lake.delete_branch(branch)


def damage(lake: EmbeddedLake, commit_id: str, folder: str) -> None:
    """One object of a folder is moved to where the leftovers of a dead writer are, another gets other bytes."""
    lost, spoilt = (lake.local_file(commit_id, entry) for entry in lake.entries(commit_id, f"{folder}/"))
    leave_behind(dead := lake.staging.folder / f"dead-{folder}")
    lost.replace(dead / "lost")
    os.utime(dead, (0, 0))
    spoilt.chmod(0o644)
    spoilt.write_bytes(b"spoilt")


def leave_behind(folder: Path) -> None:
    """What a writer that was killed long ago has left."""
    folder.mkdir(exist_ok=True)
    (folder / "half").write_bytes(b"half a cl")
    os.utime(folder, (0, 0))
