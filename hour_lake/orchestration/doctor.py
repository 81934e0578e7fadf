"""What a dead machine leaves behind: runs that Dagster calls active though their process is gone, staging, pins."""

import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.launcher import DefaultRunLauncher

from hour_lake.assets.lease import free_since, was_leased
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.ledger.project import Project
from hour_lake.orchestration.instance import open_instance

GRACE_SECONDS = 60.0
ACTIVE = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@dataclass(frozen=True)
class DeadRun:
    """A run that Dagster calls active and nobody works on."""

    run_id: str
    job: str
    status: str
    why: str


@dataclass(frozen=True)
class Examined:
    """What was found; with `fixed`, all of it has been cleared up."""

    runs: tuple[DeadRun, ...]
    staging_folders: int
    dead_pins: int
    fixed: bool


def examine(project: Project, *, fix: bool = False, grace_seconds: float = GRACE_SECONDS) -> Examined:
    """Look for what the dead left behind; `fix` sweeps it and reports the runs as failed, so that they can be retried.

    A run is dead when nobody has held its lease for longer than the grace period, or when its process ended before it
    took one. Whatever its process may still do, were it alive after all, is refused: FENCED.
    """
    with open_instance(project.settings) as instance:
        dead = dead_runs(instance, project.settings.home, before_seconds=time.time() - grace_seconds)
        if fix:
            for run in dead:
                report(instance, run)
    lake = project.lake
    if not isinstance(lake, EmbeddedLake):
        return Examined(tuple(dead), 0, 0, fix)
    staging, pins = len(list(lake.staging.dead())), len(lake.pins.dead())
    if fix:
        staging, pins = lake.staging.sweep(), lake.pins.sweep()
    return Examined(tuple(dead), staging, pins, fix)


def dead_runs(instance: dg.DagsterInstance, home: Path, *, before_seconds: float) -> list[DeadRun]:
    """Active runs that nobody has worked on since a moment, in seconds since 1970; the oldest first."""
    found: list[DeadRun] = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=ACTIVE), ascending=True):
        run = record.dagster_run
        since_seconds = free_since(home, run.run_id)
        why = None
        if since_seconds is not None and since_seconds < before_seconds:
            why = "nobody holds its lease"
        elif not was_leased(home, run.run_id) and record.update_timestamp.timestamp() < before_seconds:
            why = _ended_early(instance, run)
        if why:
            found.append(DeadRun(run.run_id, run.job_name, run.status.value, why))
    return found


def report(instance: dg.DagsterInstance, dead: DeadRun) -> None:
    """Have Dagster call a dead run failed, or canceled if that was asked for; one that has ended meanwhile is left."""
    run = instance.get_run_by_id(dead.run_id)
    if run is None or run.is_finished:
        return
    if run.status == dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"{dead.why}: its process is gone")
    else:
        instance.report_run_failed(run, f"{dead.why}: its process is gone")


def _ended_early(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """Runs of Dagster's own launcher, and of our commands, write down the process that executes them.

    One that never said so is left to Dagster, whose monitoring has a limit for the start.
    """
    if not isinstance(instance.run_launcher, DefaultRunLauncher):
        return None  # the process may be one of another machine
    events = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=100).records
    told = [e.event_log_entry.dagster_event for e in events]
    pids = [str(event.engine_event_data.metadata["pid"].value) for event in told
            if event and "pid" in event.engine_event_data.metadata]  # fmt: skip
    if not pids or any(Path(f"/proc/{pid}").exists() for pid in pids):
        return None
    return f"its process {pids[-1]} ended before it took a lease"
