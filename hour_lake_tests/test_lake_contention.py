"""Many writers for one branch: everything acknowledged is there, no update is lost, nobody waits for long."""

from collections import Counter
from pathlib import Path
from statistics import quantiles

import pytest

from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.lake_actors import Actor, append, readers, write
from hour_lake_tests.lake_oracle import Oracle
from hour_lake_tests.sizes import size

WRITERS = size(8, night=16)
COMMITS = size(100, night=500)
LISTS = 4
LONGEST_SECONDS = 30


@pytest.mark.slow
def test_writers_that_race_lose_nothing_and_wait_not_long(scratch: Path) -> None:
    """Each reads a list, adds a line and writes it back: a lost update would be a missing line."""
    folder, oracle = scratch / "lake", Oracle()
    with readers(folder, 2):
        writers = [Actor(append, folder, f"w{number}", COMMITS, LISTS) for number in range(WRITERS)]
        told = [writer.end() for writer in writers]
    tries = [line.split()[1:] for lines in told for line in lines if line.startswith("tried ")]
    for lines in told:
        for line in lines:
            if not line.startswith("tried "):
                oracle.note(line)
    lake = EmbeddedLake.open(folder)
    oracle.check_all(lake)
    assert len(set(oracle.commits["main"])) == WRITERS * COMMITS == len(list(lake.log("main"))) - 1
    lists = [lake.read("main", entry.path).decode().split() for entry in lake.entries("main") if "/file" in entry.path]
    assert Counter(sum(lists, [])) == Counter(f"w{w}-{n}" for w in range(WRITERS) for n in range(COMMITS))

    outcomes = Counter(code for _, code in tries)
    seconds = sorted(float(taken) for taken, _ in tries)
    cuts = quantiles(seconds, n=100)
    print(f"{dict(outcomes)}, p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, longest {seconds[-1]:.2f} s")
    assert outcomes.keys() <= {"landed", "CONFLICT"} and outcomes["CONFLICT"] > 0
    assert seconds[-1] < LONGEST_SECONDS


def test_many_that_open_a_lake_for_the_first_time_make_one(scratch: Path) -> None:
    writers = [Actor(write, scratch / "lake", slot, f"w{slot}") for slot in range(6)]
    oracle = Oracle()
    for writer in writers:
        for line in [*writer.first(), *writer.kill()]:
            oracle.note(line)
    lake = EmbeddedLake.open(scratch / "lake")
    oracle.check_all(lake)
    assert len(oracle.commits) >= 6
    assert len([commit for commit in lake.log("main") if not commit.parents]) == 1
