"""Many processes on one lake: killed at any time, racing for one branch, opening it for the first time together."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.lake_cases import contents

KILLS = int(os.environ.get("HOUR_LAKE_TEST_KILLS", "25"))
WRITERS = int(os.environ.get("HOUR_LAKE_TEST_WRITERS", "4"))
COMMITS = int(os.environ.get("HOUR_LAKE_TEST_COMMITS", "25"))


def start(*arguments: object) -> subprocess.Popen[str]:
    """A writer process; every line it prints is a commit that was acknowledged to it."""
    command = [sys.executable, "-m", "hour_lake_tests.lake_writer", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def commits_of(lake: EmbeddedLake) -> dict[str, dict[str, str]]:
    return {commit.id: dict(commit.metadata) for commit in lake.log("main")}


def assert_whole(lake: EmbeddedLake, commit_id: str) -> None:
    """Each commit of a writer replaces one file by another and counts up in a third: never one without the others."""
    folders: dict[str, dict[str, bytes]] = {}
    for path, data in contents(lake, commit_id).items():
        folders.setdefault(path.rpartition("/")[0], {})[path] = data
    for folder, files in folders.items():
        assert len(files) == 2 and len(set(files.values())) == 1, f"{folder} of {commit_id} is torn: {files}"


@pytest.mark.parametrize("seed", [1])
def test_killed_writers_lose_nothing_and_tear_nothing(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    acknowledged: list[str] = []
    for number in range(KILLS):
        writer = start(tmp_path / "lake", f"w{number}", 10**6)
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline().strip()]  # it is running now
        time.sleep(chosen.uniform(0, 0.1))
        writer.kill()
        acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        lake = EmbeddedLake.open(tmp_path / "lake")
        known = commits_of(lake)
        assert set(acknowledged) <= set(known)
        for commit_id in list(known)[:3]:
            assert_whole(lake, commit_id)
    assert len(acknowledged) >= KILLS
    assert lake.staging.sweep(grace_seconds=0) > 0
    assert list(lake.staging.folder.iterdir()) == []
    with lake.transaction("main", {}) as transaction:
        transaction.put("after", b"1")
    assert lake.resolve("main") == transaction.commit_id


def test_writers_that_race_all_land(tmp_path: Path) -> None:
    writers = [start(tmp_path / "lake", f"w{number}", COMMITS) for number in range(WRITERS)]
    lake = EmbeddedLake.open(tmp_path / "lake")
    looks = 0
    while any(writer.poll() is None for writer in writers):
        assert_whole(lake, lake.resolve("main"))
        looks += 1
    assert looks > 3
    acknowledged = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    known = commits_of(lake)
    assert sorted(sum(acknowledged, [])) == sorted(c for c, metadata in known.items() if metadata)
    assert len(known) == WRITERS * COMMITS + 1
    for number, mine in enumerate(acknowledged):
        assert [known[commit_id]["number"] for commit_id in mine] == [str(n) for n in range(COMMITS)]
        assert lake.read("main", f"w{number}/count") == str(COMMITS - 1).encode()


def test_appending_to_one_file_loses_nothing(tmp_path: Path) -> None:
    """Read a list, append to it, write it back: a lost update would be a missing line. Who is late tries again."""
    writers = [start(tmp_path / "lake", f"w{number}", COMMITS, "append") for number in range(WRITERS)]
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    lines = EmbeddedLake.open(tmp_path / "lake").read("main", "list").decode().split()
    assert len(lines) == WRITERS * COMMITS
    for number in range(WRITERS):
        assert [x for x in lines if x.startswith(f"w{number}-")] == [f"w{number}-{n}" for n in range(COMMITS)]
