"""`python -m bench.networks`: what each network takes on one core of the CPU and on the GPU, as a table for the docs.

Whole calls, as layers make them: with what is done to the picture or the sound before and after the network.
"""

import os
import statistics
import time
from pathlib import Path

from hour_lake.models.store import FOLDER_VARIABLE
from hour_lake_tests.networks import NETWORKS, answered

SECONDS, LEAST = 2.0, 5  # how long, and how often, each is called


def main() -> None:
    os.environ.setdefault(FOLDER_VARIABLE, str(Path.home() / ".cache" / "hour_lake" / "models"))
    print("| network | one call | CPU | GPU | ran on | first call on the GPU |\n|---|---|---|---|---|---|")
    for name, network in NETWORKS.items():
        cpu, _, _ = measured(name, "cpu")
        gpu, first, device = measured(name, "gpu")
        print(f"| {name} | {network.at_once} | {cpu:.3g} ms | {gpu:.3g} ms | {device} | {first:.2g} s |", flush=True)


def measured(name: str, compute: str) -> tuple[float, float, str]:
    """Median ms of a call, seconds of the first one, and where it ran."""
    started = time.perf_counter()
    _, used = answered(name, compute)
    first, taken = time.perf_counter() - started, list[float]()
    while sum(taken) < SECONDS or len(taken) < LEAST:
        began = time.perf_counter()
        answered(name, compute)
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken), first, ", ".join(sorted(used))


if __name__ == "__main__":
    main()
