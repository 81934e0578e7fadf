"""A disk that fills up at any moment: `python -m hour_lake_tests.lake_full FOLDER STAGES [limit]`.

FOLDER is a small disk of its own, which is filled but for some KiB; with `limit` no file may grow beyond so many KiB,
which needs no disk of its own. Prints how often each request was answered how.
"""

import gc
import random
import resource
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.lake_oracle import Oracle
from hour_lake_tests.lake_requests import REQUESTS, make_lake

MOST_KIB_BITS = 12  # 1 to 4,096 KiB: what one request needs lies in between


def main() -> None:
    folder, stages, room = Path(sys.argv[1]), int(sys.argv[2]), files_limited if sys.argv[3:] else disk_filled
    outcomes, chosen = Counter[str](), random.Random(4)
    for stage in range(stages):
        name = list(REQUESTS)[stage % len(REQUESTS)]
        oracle, project = Oracle(), folder / "project"
        project.mkdir()
        if name != "open":
            make_lake(project / "lake", oracle.note)
        if name == "delete branch":
            oracle.note("deleting side")
        before = {str(file) for file in (project / "lake" / "staging").glob("*")}
        free_kib = round(2 ** chosen.uniform(0, MOST_KIB_BITS))
        with room(folder, free_kib << 10):
            answer = asked(project / "lake", name)
        outcomes[f"{name} {answer}"] += 1
        left = {str(file) for file in (project / "lake" / "staging").glob("*")} - before
        assert not left, f"{name} with {free_kib} KiB left {left}"
        lake = EmbeddedLake.open(project / "lake")
        oracle.check_all(lake)
        if REQUESTS[name].is_whole:
            assert REQUESTS[name].landed(lake) == (answer == "done"), f"{name} with {free_kib} KiB: {answer}"
        if answer != "done":
            REQUESTS[name].ask(lake)
        assert REQUESTS[name].landed(lake)
        oracle.check_all(lake)
        lake.store.database.close()
        shutil.rmtree(project)
        gc.collect()  # lakes that were let go: their files are open, and deleted files fill the disk while they are
    for outcome, times in sorted(outcomes.items()):
        print(f"{times} {outcome}")


def asked(folder: Path, name: str) -> str:
    try:
        lake = EmbeddedLake.open(folder)
        REQUESTS[name].ask(lake)
        lake.store.database.close()
    except LakeError as error:
        return error.code
    return "done"


@contextmanager
def disk_filled(folder: Path, free_bytes: int) -> Iterator[None]:
    """Only so much is free."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        file.write(bytes(max(0, shutil.disk_usage(folder).free - free_bytes)))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def files_limited(folder: Path, free_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


if __name__ == "__main__":
    main()
