"""What the embedded lake costs at one size: `python -m bench.lake_figures ENTRIES`, JSON in milliseconds and bytes.

A process of its own for each size, since the peak of its memory is measured too. A fresh lake object is opened for each
figure, so that no cache helps; of repeated ones the best counts.
"""

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.lake_corpus import changing, metadata, paths
from hour_lake.lake.embedded import DATABASE, EmbeddedLake

LOADED_AT_ONCE = 50_000
REPEATED = 5
Figures = dict[str, float]
# What a command does after Python has started and the lake is imported.
FIRST_READ = """
import sys, time
from pathlib import Path
from hour_lake.lake.embedded import EmbeddedLake
started = time.perf_counter()
lake = EmbeddedLake.open(Path(sys.argv[1]), create=False)
assert len(lake.read("main", sys.argv[2])) == 2
print((time.perf_counter() - started) * 1000)
"""


def measure(folder: Path, entries: int) -> Figures:
    """All figures for a lake of that many entries."""
    known = list(paths(entries))
    gc.freeze()  # the list is the bench's own: a collection of garbage in the middle of a figure passes it over
    figures = {"first load": milliseconds(lambda: load(folder, known))}
    figures["peak memory"] = peak_bytes()
    before = stored_bytes(folder)
    figures["database"] = before
    opened = EmbeddedLake.open(folder)
    branches = 100
    figures["create a branch"] = best_of(branches, lambda n: opened.create_branch(f"branch-{n}", "main"))
    figures["growth of a branch"] = (stored_bytes(folder) - before) / branches
    spare = iter(range(branches))
    for kind, at in changing(known).items():
        before = stored_bytes(folder)
        figures[f"commit 500 {kind}"] = best_of(REPEATED, lambda _, at=at: change(folder, f"branch-{next(spare)}", at))
        figures[f"growth of 500 {kind}"] = (stored_bytes(folder) - before) / REPEATED
    at = changing(known)["scattered"]
    figures["commit 500 new objects"] = best_of(
        REPEATED, lambda n: change(folder, f"branch-{next(spare)}", at, each=f"object {n} of ")
    )
    figures["diff 500"] = best_of(REPEATED, lambda _: list(EmbeddedLake.open(folder).diff("main", "branch-0")))
    figures["merge 500"] = min(merge(folder, f"branch-{next(spare)}", known[0]) for _ in range(REPEATED))
    one, some = known[len(known) // 3], known[0].rpartition("/")[0][:-2]
    figures["open and read one entry"] = min(first_read(folder, one) for _ in range(REPEATED))
    listed = len(list(opened.entries("main", some)))
    listing = best_of(REPEATED, lambda _: list(EmbeddedLake.open(folder).entries("main", some)))
    figures["list a prefix of 1,000"] = listing * 1000 / listed
    return figures


def load(folder: Path, known: Sequence[str]) -> None:
    """Everything for the first time; few different objects, since files are not what is measured here."""
    lake = EmbeddedLake.open(folder)
    for start in range(0, len(known), LOADED_AT_ONCE):
        with lake.transaction("main", {}) as transaction:
            for path in known[start : start + LOADED_AT_ONCE]:
                transaction.put(path, path[-20:-18].encode(), metadata(path, 0))


def change(folder: Path, branch: str, at: Sequence[str], *, each: str | None = None) -> None:
    """New metadata and content for some paths, in one commit; one object for all, or one of its own for `each`."""
    with EmbeddedLake.open(folder).transaction(branch, {}) as transaction:
        for path in at:
            transaction.put(path, f"{each}{path}".encode() if each else b"changed", metadata(path, len(branch)))


def merge(folder: Path, into: str, other: str) -> float:
    """Milliseconds to merge 500 changes into a branch on which something else has happened meanwhile."""
    with EmbeddedLake.open(folder).transaction(into, {}) as transaction:
        transaction.put(other, b"another", metadata(other, 99))
    return milliseconds(lambda: EmbeddedLake.open(folder).merge("branch-0", into))


def first_read(folder: Path, path: str) -> float:
    """Milliseconds to open the lake and read one entry in a process that has just started."""
    command = [sys.executable, "-c", FIRST_READ, str(folder), path]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def stored_bytes(folder: Path) -> int:
    """Size of the database with nothing left in its write-ahead log."""
    lake = EmbeddedLake.open(folder)
    lake.store.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / DATABASE).stat().st_size


def peak_bytes() -> int:
    """The most memory that this program had; `getrusage` would count what its parent had when it started it."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def best_of(times: int, action: Callable[[int], object]) -> float:
    return min(milliseconds(lambda n=n: action(n)) for n in range(times))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hour-lake-bench-") as scratch:
        print(json.dumps(measure(Path(scratch) / "lake", int(sys.argv[1]))))
