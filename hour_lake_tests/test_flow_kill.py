"""A run that is killed or told to stop in the middle: nothing torn is seen, the next finishes and repeats nothing."""

import hashlib
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from hour_lake.lake.interface import Lake
from hour_lake.lake.open import open_lake
from hour_lake_tests.flow import Flow, write_manifest

pytestmark = pytest.mark.slow
VIDEOS = ("hopper-webcam.mkv", "collins-on-a-phone.mp4")
# What is killed is the run; the networks, and what reads them, would only make it long.
SETTINGS = "partitions_per_run: 256\nopt_out: [face_boxes, text_overlay, transcript]\n"


@pytest.fixture
def small(corpus: Path, weights_folder: Path, tmp_path: Path) -> Flow:
    """Two videos taken in, nothing enriched."""
    flow = Flow.create(tmp_path / "project", weights_folder, settings=f"source_roots: [{corpus}]\n{SETTINGS}")
    rows = [{"id": Path(name).stem, "source": str(corpus / name), "speaker": "someone"} for name in VIDEOS]
    flow("ingest", str(write_manifest(flow.folder, rows)))
    return flow


def assert_whole(lake: Lake) -> set[str]:
    """Every object that the branch names exists with its digest; gives the paths."""
    paths = set[str]()
    for entry in lake.entries("main"):
        data = lake.local_file("main", entry).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry.digest, entry.path
        paths.add(entry.path)
    return paths


def outputs(lake: Lake) -> set[str]:
    return {entry.path for entry in lake.entries("main") if entry.path.startswith(("segments/", "layers/", "flags/"))}


def until_some_landed(small: Flow, lake: Lake) -> "subprocess.Popen[str]":
    """A run that has landed some layers and is still at work."""
    run = small.start("run", "*")
    deadline = time.monotonic() + 300
    while len([p for p in outputs(lake) if p.startswith("layers/")]) < 8 and run.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return run


def assert_it_goes_on(small: Flow, lake: Lake) -> None:
    """The next run makes what is missing, and nothing that had landed."""
    landed = {path: entry.digest for path in assert_whole(lake) if (entry := lake.entry("main", path))}
    before = small.json("status")["to_do"]
    assert before > 0, "the run was over before it was stopped"

    small("run", "*")
    assert small.json("status")["to_do"] == 0
    assert assert_whole(lake) >= set(landed)
    written = Counter[str]()
    for commit in lake.log("main"):
        parents = commit.parents
        if parents:
            written.update(change.path for change in lake.diff(parents[0], commit.id) if change.after)
    done = outputs(lake)
    assert {path: written[path] for path in done} == dict.fromkeys(done, 1)
    assert not list((small.folder / "home" / "scratch").iterdir())  # what the stopped run left was swept


def test_a_killed_run_loses_nothing_and_repeats_nothing(small: Flow) -> None:
    lake = open_lake(small.folder / "home" / "lake")
    run = until_some_landed(small, lake)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert_it_goes_on(small, lake)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_ends_at_once_and_half_writes_nothing(
    small: Flow, told: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after its step, not by beginning that step again, and no other run of the command follows."""
    home = small.folder / "home"
    lake = open_lake(home / "lake")
    run = until_some_landed(small, lake)
    os.kill(run.pid, told)
    out, err = run.communicate(timeout=10)
    assert (run.returncode, out, err) == (130, "", "")
    assert not [*(home / "scratch").iterdir(), *(home / "lake" / "staging").iterdir()]
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with dg.DagsterInstance.get() as instance:
        (newest, *_) = instance.get_runs(limit=1)
        assert (newest.job_name, newest.status) == ("enrich", dg.DagsterRunStatus.FAILURE)
    assert_it_goes_on(small, lake)


def test_workers_die_with_a_killed_run(small: Flow) -> None:
    run = small.start("run", "segments")
    time.sleep(8)
    workers = [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and _parent(pid) == run.pid]
    assert workers
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    deadline = time.monotonic() + 20
    while any(pid.exists() and "Z" not in _state(pid) for pid in workers):
        assert time.monotonic() < deadline, "a worker outlived its run"
        time.sleep(0.1)


def _parent(pid: Path) -> int:
    try:
        return int((pid / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return -1


def _state(pid: Path) -> str:
    try:
        return (pid / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
