"""Writers that are killed or told to stop at any moment: what was acknowledged stays, nothing torn is ever seen."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.lake_actors import Actor, Tell, readers, write
from hour_lake_tests.lake_cases import commit
from hour_lake_tests.lake_oracle import Oracle
from hour_lake_tests.sizes import size

KILLS = size(200, night=2000)
STOPS = size(20, night=100)
SLOTS = 4


@pytest.mark.slow
def test_killed_writers_lose_nothing_and_tear_nothing(tmp_path: Path) -> None:
    """Four writers at once on one lake, each killed after 20 to 500 ms at work; another takes its place.

    One in four is killed so soon after its start that it may not have opened the lake yet.
    """
    folder, chosen, oracle, kills = tmp_path / "lake", random.Random(1), Oracle(), 0

    def started(slot: int) -> tuple[float, Actor]:
        writer = Actor(write, folder, slot, f"w{kills}-{slot}")
        for line in writer.first() if chosen.random() < 0.75 else []:
            oracle.note(line)
        return time.monotonic() + chosen.uniform(0.02, 0.5), writer

    with readers(folder, 2):
        writers = {slot: started(slot) for slot in range(SLOTS)}
        while kills < KILLS:
            slot = min(writers, key=lambda slot: writers[slot][0])
            due, writer = writers[slot]
            time.sleep(max(0.0, due - time.monotonic()))
            for line in writer.kill():
                oracle.note(line)
            assert writer.process.exitcode == -signal.SIGKILL
            kills += 1
            writers[slot] = started(slot)
            if (folder / "lake.sqlite3").exists():
                oracle.check(EmbeddedLake.open(folder))
        for _, writer in writers.values():
            for line in writer.kill():
                oracle.note(line)
    lake = EmbeddedLake.open(folder)
    oracle.check_all(lake)
    print(f"{kills} kills, {sum(map(len, oracle.commits.values()))} commits acknowledged")
    assert sum(map(len, oracle.commits.values())) > kills
    assert lake.staging.sweep(grace_seconds=0) > 0
    assert list(lake.staging.folder.iterdir()) == []
    made = commit(lake, {"after/all": b"1"})
    assert lake.resolve("main") == made


def write_until_told(folder: Path, number: int, tell: Tell) -> None:
    """A writer that ends when it is told to, as every command of ours does: by unwinding."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    write(folder, 0, f"w{number}", tell)


def write_until_gone(folder: Path, number: int, tell: Tell) -> None:
    """A writer that has never heard of signals."""
    write(folder, 0, f"w{number}", tell)


@pytest.mark.parametrize(
    ("act", "exit_code"), [(write_until_told, 128 + signal.SIGTERM), (write_until_gone, -signal.SIGTERM)]
)
def test_a_writer_that_is_told_to_stop_ends_soon_and_cleanly(
    tmp_path: Path, act: Callable[..., None], exit_code: int
) -> None:
    folder, chosen, oracle = tmp_path / "lake", random.Random(2), Oracle()
    for number in range(STOPS):
        writer = Actor(act, folder, number)
        for line in writer.first():
            oracle.note(line)
        time.sleep(chosen.uniform(0, 0.2))
        assert writer.process.pid
        os.kill(writer.process.pid, signal.SIGTERM)
        told_at = time.monotonic()
        for line in writer.lines():
            oracle.note(line)
        assert time.monotonic() - told_at < 10
        assert writer.process.exitcode == exit_code
        lake = EmbeddedLake.open(folder)
        oracle.check(lake)
        if act is write_until_gone:
            lake.staging.sweep(grace_seconds=0)
        assert list(lake.staging.folder.iterdir()) == []
    oracle.check_all(EmbeddedLake.open(folder))
