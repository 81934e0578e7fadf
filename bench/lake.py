"""What the embedded lake costs at a size: `python -m bench.lake [ENTRIES] [--json FILE]`, in milliseconds and bytes."""

import argparse
import hashlib
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hour_lake.lake.embedded import DATABASE, EmbeddedLake

LAYERS = ("face_boxes", "face_landmarks", "blink", "mouth", "head_pose", "luminance", "sharpness", "motion", "loudness",
          "mel")  # fmt: skip
SEGMENTS_PER_VIDEO = 40
LOADED_AT_ONCE = 50_000
CHANGES = 500
# milliseconds, or bytes; for 1,000,000 entries
GOALS = {"create a branch": 5, "commit 500 scattered": 250, "commit 500 neighbouring": 250, "diff 500": 250,
         "merge 500": 500, "open and read one entry": 3, "list a prefix of 1,000": 20, "first load": 90_000,
         "growth of 500 scattered": 2_500_000, "growth of 500 neighbouring": 200_000, "peak memory": 2**30}  # fmt: skip

Figures = dict[str, float]


def paths(entries: int) -> Iterator[str]:
    """Paths as a corpus has them: by layer, video and segment."""
    for layer in LAYERS:
        for number in range(entries // len(LAYERS)):
            video, start_ms = f"video-{number // SEGMENTS_PER_VIDEO:06d}", number % SEGMENTS_PER_VIDEO * 6000
            yield f"layers/{layer}/{video}/{video}_{start_ms:08d}_{start_ms + 6000:08d}.parquet"


def metadata(path: str, salt: int) -> dict[str, str]:
    """About 450 bytes as the ledger writes them: a fingerprint, and the digests it was made from."""

    def digest(*what: object) -> str:
        return hashlib.sha256(repr(what).encode()).hexdigest()

    layer = path.split("/")[1]
    parts = {f"source:{layer}": digest(layer)[:16], "config:closed_below": "0.2", "config:bands": "[1, 2, 3]",
             "model:face": digest("face")[:16], "model:iris": digest("iris")[:16], "input:segments": digest(path),
             "input:face_boxes": digest(path, salt)}  # fmt: skip
    return {"fingerprint": digest(path, salt, "all"), "parts": json.dumps(parts, sort_keys=True)}


def measure(folder: Path, entries: int) -> Figures:
    """All figures for a lake of that many entries. A fresh lake object is opened for each: no cache helps."""
    known, chosen = list(paths(entries)), random.Random(1)
    figures = {"first load": milliseconds(lambda: load(folder, known))}
    figures["peak memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    figures["database"] = stored_bytes(folder)
    opened = EmbeddedLake.open(folder)
    figures["create a branch"] = best_of(5, lambda n: opened.create_branch(f"branch-{n}", "main"))
    start = chosen.randrange(len(known) - CHANGES)
    for kind, at in (("scattered", chosen.sample(known, CHANGES)), ("neighbouring", known[start : start + CHANGES])):
        before = stored_bytes(folder)
        figures[f"commit 500 {kind}"] = best_of(3, lambda n, at=at, kind=kind: change(folder, f"branch-{n}", at, kind))
        figures[f"growth of 500 {kind}"] = (stored_bytes(folder) - before) / 3
    figures["diff 500"] = best_of(3, lambda _: list(EmbeddedLake.open(folder).diff("main", "branch-0", "layers/")))
    change(folder, "branch-4", known[:1], "another")
    figures["merge 500"] = milliseconds(lambda: EmbeddedLake.open(folder).merge("branch-0", "branch-4"))
    one, some = known[len(known) // 3], known[0].rpartition("/")[0][:-2]
    figures["open and read one entry"] = best_of(5, lambda _: EmbeddedLake.open(folder).entry("main", one))
    listed = len(list(opened.entries("main", some)))
    listing = best_of(3, lambda _: list(EmbeddedLake.open(folder).entries("main", some)))
    figures["list a prefix of 1,000"] = listing * 1000 / listed
    return figures


def load(folder: Path, known: Sequence[str]) -> None:
    """Everything for the first time; few different objects, since files are not what is measured here."""
    lake = EmbeddedLake.open(folder)
    for start in range(0, len(known), LOADED_AT_ONCE):
        with lake.transaction("main", {}) as transaction:
            for path in known[start : start + LOADED_AT_ONCE]:
                transaction.put(path, path[-20:-18].encode(), metadata(path, 0))


def change(folder: Path, branch: str, at: Sequence[str], what: str) -> None:
    """New content and metadata for some paths, in one commit."""
    with EmbeddedLake.open(folder).transaction(branch, {}) as transaction:
        for path in at:
            transaction.put(path, what.encode(), metadata(path, len(branch + what)))


def stored_bytes(folder: Path) -> int:
    """Size of the database with nothing left in its write-ahead log."""
    lake = EmbeddedLake.open(folder)
    lake.store.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / DATABASE).stat().st_size


def milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def best_of(times: int, action: Callable[[int], object]) -> float:
    return min(milliseconds(lambda n=n: action(n)) for n in range(times))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("entries", type=int, nargs="?", default=100_000)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder) / "lake", given.entries)
    print(f"{given.entries:,} entries{'ms or bytes':>30}{'goal at 1,000,000':>20}")
    for name, figure in figures.items():
        goal = f"{GOALS[name]:,}" if name in GOALS else "-"
        print(f"{name:<30}{figure:>16,.1f}{goal:>20}")
    if given.json:
        given.json.write_text(
            json.dumps({"entries": given.entries, "figures": figures, "goals": GOALS}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
