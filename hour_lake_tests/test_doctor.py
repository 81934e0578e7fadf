"""Runs whose process was killed are found by their lease and reported as failed; the living are left alone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from hour_lake.assets.lease import free_since, lease, was_leased
from hour_lake.assets.project import fence_of
from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.ledger.project import Project
from hour_lake.orchestration.doctor import dead_runs, examine, report
from hour_lake.settings import Settings

Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a run that hangs; its process and its id."""
    with ExitStack() as stack:

        def started(*arguments: str) -> tuple[subprocess.Popen[str], str]:
            command = [sys.executable, "-m", "hour_lake_tests.leased_run", str(tmp_path / "dagster"), *arguments]
            environment = {**os.environ, "HOUR_LAKE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path.cwd())}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None
            return process, process.stdout.readline().strip()

        (tmp_path / "dagster").mkdir()
        yield started


def found(instance: dg.DagsterInstance, home: Path, *, later_seconds: float = 0) -> dict[str, str]:
    dead = dead_runs(instance, home, before_seconds=time.time() + later_seconds)
    return {run.run_id: run.why for run in dead}


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_run_whose_process_was_killed_is_failed_and_fenced(start: Start, tmp_path: Path) -> None:
    killed, run_id = start()
    home = tmp_path / "home"
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        living, living_id = start()
        assert found(instance, home, later_seconds=1000) == {}
        context: Any = SimpleNamespace(instance=instance, run_id=run_id)
        fence_of(context)()
        killed.kill()
        killed.wait()
        assert status(instance, run_id) == dg.DagsterRunStatus.STARTED  # for ever, if nobody looks
        assert found(instance, home, later_seconds=-1000) == {}  # within the grace period
        assert found(instance, home) == {run_id: "nobody holds its lease"}
        for dead in dead_runs(instance, home, before_seconds=time.time()):
            report(instance, dead)
        assert status(instance, run_id) == dg.DagsterRunStatus.FAILURE
        with pytest.raises(LakeError, match="FENCED"):
            fence_of(context)()
        assert found(instance, home) == {}
        assert status(instance, living_id) == dg.DagsterRunStatus.STARTED and living.poll() is None


def test_a_run_killed_before_it_took_a_lease(start: Start, tmp_path: Path) -> None:
    killed, run_id = start("early")
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        assert found(instance, tmp_path / "home", later_seconds=1000) == {}
        killed.kill()
        killed.wait()
        assert "ended before it took a lease" in found(instance, tmp_path / "home", later_seconds=1000)[run_id]
        run = instance.get_run_by_id(run_id)
        assert run is not None
        instance.report_run_canceling(run)
        for dead in dead_runs(instance, tmp_path / "home", before_seconds=time.time() + 1000):
            report(instance, dead)
        assert status(instance, run_id) == dg.DagsterRunStatus.CANCELED


def test_a_lease_is_free_from_when_it_was_given_back(tmp_path: Path) -> None:
    assert free_since(tmp_path, "r") is None and not was_leased(tmp_path, "r")
    with lease(tmp_path, "r"):
        with lease(tmp_path, "r"):  # another step of the same run
            assert free_since(tmp_path, "r") is None
        assert free_since(tmp_path, "r") is None and was_leased(tmp_path, "r")
    since = free_since(tmp_path, "r")
    assert since is not None and abs(time.time() - since) < 5
    assert free_since(tmp_path, "other") is None


def test_a_project_is_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUR_LAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.chdir(tmp_path)
    project = Project.open(Settings.load())
    assert isinstance(project.lake, EmbeddedLake)
    dead = project.lake.staging.folder / "dead"
    dead.mkdir()
    os.utime(dead, (0, 0))
    (project.lake.pins.folder / "gone").write_text(project.lake.resolve("main"))
    with project.lake.pinned("main"):
        for fix in (False, True):
            examined = examine(project, fix=fix)
            assert (examined.runs, examined.staging_folders, examined.dead_pins, examined.fixed) == ((), 1, 1, fix)
        assert (examine(project).staging_folders, examine(project).dead_pins) == (0, 0)
        assert project.lake.pins.commits() == {project.lake.resolve("main")}
