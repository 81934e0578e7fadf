"""The embedded lake at 1,000,000 entries: against its goals, against 10,000 entries, and beside git and manifests."""

import json
import subprocess
import sys
from pathlib import Path

from bench.lake_figures import Figures
from bench.measure import Measure

SMALL, LARGE = 10_000, 1_000_000
# Figure, unit, goal at 1,000,000 entries.
GOALS = (
    ("create a branch", "ms", 5), ("growth of a branch", "B", 500),
    ("commit 500 scattered", "ms", 250), ("growth of 500 scattered", "KB", 2_500),
    ("commit 500 neighbouring", "ms", 250), ("growth of 500 neighbouring", "KB", 200),
    ("diff 500", "ms", 250), ("merge 500", "ms", 500),
    ("open and read one entry", "ms", 3), ("list a prefix of 1,000", "ms", 20),
    ("first load", "s", 90), ("peak memory", "MiB", 1024),
)  # fmt: skip
# What others cost, and the figure of the lake beside it.
BESIDE = (
    ("git: commit 500 scattered", "ms", "commit 500 scattered"),
    ("git: bytes of 500 scattered", "MB", "growth of 500 scattered"),
    ("git: commit 500 neighbouring", "ms", "commit 500 neighbouring"),
    ("git: bytes of 500 neighbouring", "MB", "growth of 500 neighbouring"),
    ("git: diff 500", "ms", "diff 500"),
    ("full manifest: commit 500", "ms", "commit 500 scattered"),
    ("full manifest: bytes of 500", "MB", "growth of 500 scattered"),
    ("500 synced files and rows, no lake", "ms", "commit 500 new objects"),
)  # fmt: skip
PER_UNIT = {"ms": 1, "s": 1000, "B": 1, "KB": 1000, "MB": 10**6, "MiB": 2**20}


def measure(corpus: Path, weights: Path, scratch: Path) -> list[Measure]:
    small, large = (_figures("bench.lake_figures", entries) for entries in (SMALL, LARGE))
    beside_small, beside = (_figures("bench.lake_beside", entries) for entries in (SMALL, LARGE))
    goals = [
        Measure(f"lake: {name}", large[name] / PER_UNIT[unit], unit, _growth(small[name], large[name], unit), goal)
        for name, unit, goal in GOALS
    ]
    others = [
        Measure(name, beside[name] / PER_UNIT[unit], unit,
                f"{_growth(beside_small[name], beside[name], unit)}; the lake: {large[ours] / PER_UNIT[unit]:.3g}, "
                f"{large[ours] / beside[name]:.2g} times that")
        for name, unit, ours in BESIDE
    ]  # fmt: skip
    return goals + others


def _growth(small: float, large: float, unit: str) -> str:
    return f"at 10,000 entries {small / PER_UNIT[unit]:.3g} {unit}: grows {large / small:.2g} times"


def _figures(module: str, entries: int) -> Figures:
    done = subprocess.run([sys.executable, "-m", module, str(entries)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)
