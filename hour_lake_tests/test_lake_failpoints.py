"""A writer is killed at every named place of the write paths, several times at each; then everything is done again."""

import re
import signal
from pathlib import Path
from typing import get_args

import pytest

import hour_lake.lake
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.gc import collect
from hour_lake.lake.sweep import Table
from hour_lake_tests.lake_actors import Actor, everything, readers
from hour_lake_tests.lake_oracle import Oracle
from hour_lake_tests.sizes import size

TIMES = size(3, night=20)
SOURCES = [file.read_text() for file in Path(hour_lake.lake.__file__).parent.glob("*.py")]
NAMES = {name for text in SOURCES for name in re.findall(r'\breached\(f?"([^"]+)"\)', text)}
POINTS = sorted({name.replace("{table}", table) for name in NAMES for table in get_args(Table)})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedLake:
    """What becomes of a lake when nothing happens to its writer."""
    folder = tmp_path_factory.mktemp("undisturbed") / "lake"
    Actor(everything, folder).end()
    return EmbeddedLake.open(folder)


def state(lake: EmbeddedLake) -> dict[str, bytes]:
    """Digest of the tree of every branch and tag."""
    refs = [*lake.branches(), *lake.tags()]
    return {ref: lake.store.commits.get(lake.resolve(ref)).root.digest for ref in refs}


def objects(lake: EmbeddedLake) -> set[str]:
    return {str(file.relative_to(lake.folder)) for file in lake.store.objects.folder.rglob("*") if file.is_file()}


def listed(lake: EmbeddedLake) -> set[str]:
    """What lies in the lake's folder; SQLite's side files come and go."""
    return {file.name for file in lake.folder.iterdir() if not file.name.startswith("lake.sqlite3-")}


def killed_at(folder: Path, point: str, turn: int) -> tuple[bool, list[str]]:
    """Whether it came by that often, and what it told."""
    writer = Actor(everything, folder, failpoint=f"{point}:kill@{turn}")
    told = list(writer.lines())
    assert writer.process.exitcode in (0, -signal.SIGKILL), told[-1:]
    return writer.process.exitcode != 0, told


def test_there_are_places_enough() -> None:
    assert len(POINTS) >= 40


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_and_done_again(scratch: Path, undisturbed: EmbeddedLake, point: str) -> None:
    for time in range(1, TIMES + 1):
        folder, oracle = scratch / str(time) / "lake", Oracle()
        folder.parent.mkdir()
        with readers(folder):
            was_killed, told = killed_at(folder, point, time)
            if not was_killed:  # it comes by less often: the same place again, on a new lake
                folder, told = scratch / f"{time}-again" / "lake", []
                folder.parent.mkdir()
                was_killed, told = killed_at(folder, point, 1)
            assert was_killed, f"the writer does not come by {point}"
            for line in told:
                oracle.note(line)
            if told:
                oracle.check(EmbeddedLake.open(folder, create=False))
            for line in Actor(everything, folder).end():
                oracle.note(line)
        lake = EmbeddedLake.open(folder)
        collect(lake, grace_seconds=0, dry_run=False)  # what a reader still held before
        oracle.check_all(lake)
        assert state(lake) == state(undisturbed)
        assert objects(lake) == objects(undisturbed)
        lake.staging.sweep(grace_seconds=0)
        assert list(lake.staging.folder.iterdir()) == []
        assert listed(lake) == listed(undisturbed)
