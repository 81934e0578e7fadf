"""A full disk at any stage of any request: it is told, nothing is lost, and with some room again it succeeds."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hour_lake_tests.sizes import size

STAGES = size(42, night=400)
# A disk of 8 MiB that only this process sees; the kernel takes it away when the process ends.
OWN_DISK = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=8m none "$0" && exec "$@"']


def fill(folder: Path, *before: str, limit: bool = False) -> dict[str, int]:
    """How often each answer was given."""
    folder.mkdir()
    command = [*before, sys.executable, "-m", "hour_lake_tests.lake_full", str(folder), str(STAGES)]
    done = subprocess.run([*command, *(["limit"] if limit else [])], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return {answer: int(times) for times, _, answer in (line.partition(" ") for line in done.stdout.splitlines())}


def can_mount(folder: Path) -> bool:
    folder.mkdir()
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*OWN_DISK, folder, "true"], capture_output=True).returncode == 0


def test_a_full_disk_is_told_and_nothing_is_lost(scratch: Path) -> None:
    if not can_mount(scratch / "tried"):
        pytest.skip("this machine lets nobody mount a disk of their own")
    answers = fill(scratch / "disk", *OWN_DISK, str(scratch / "disk"))
    assert {answer.split()[-1] for answer in answers} == {"done", "STORAGE_FULL"}
    assert sum(times for answer, times in answers.items() if answer.endswith("FULL")) > STAGES / 4


def test_a_file_that_may_not_grow_is_told_and_nothing_is_lost(scratch: Path) -> None:
    """As under a quota. SQLite calls it an error of the disk when it meets its own database."""
    answers = fill(scratch / "files", limit=True)
    assert {answer.split()[-1] for answer in answers} == {"done", "STORAGE_FULL", "STORAGE_IO"}
