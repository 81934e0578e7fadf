"""Leases: a file that a run's process holds for as long as it works, so that a run whose process is gone can be told.

Dagster does not watch the processes of its default launcher: when a machine dies, their runs stay STARTED for ever.
"""

import os
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hour_lake.lake.held import hold, is_held

KEPT_SECONDS = 7 * 24 * 3600.0


def leases_folder(home: Path) -> Path:
    """Where the leases of a project lie."""
    return home / "leases"


@contextmanager
def lease(home: Path, run_id: str) -> Generator[None]:
    """Say that this process works on a run; several may. The file stays: it tells that the run was worked on."""
    folder = leases_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    file = folder / f"{run_id}.{uuid.uuid4().hex}"
    lock = hold(file, str(os.getpid()))
    try:
        yield
    finally:
        os.utime(lock)  # free from now on
        os.close(lock)


def free_since(home: Path, run_id: str) -> float | None:
    """Since when nobody has held a lease of a run, in seconds since 1970; None when somebody does, or nobody ever has.

    Of a process that was killed it is known only when it began.
    """
    files = list(leases_folder(home).glob(f"{run_id}.*"))
    if not files or any(map(is_held, files)):
        return None
    return max(file.stat().st_mtime for file in files)


def was_leased(home: Path, run_id: str) -> bool:
    """Whether a process has ever said that it works on a run."""
    return any(leases_folder(home).glob(f"{run_id}.*"))


def _sweep(folder: Path) -> None:
    for file in folder.iterdir():
        if time.time() - file.stat().st_mtime > KEPT_SECONDS and not is_held(file):
            file.unlink(missing_ok=True)
