"""The persistent Dagster instance of a project: where it lies, and how a bare machine gets one."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from hour_lake.orchestration.event_log import BATCH_SIZE, EVENTS_AT_ONCE
from hour_lake.settings import Settings

FALLBACK = """\
telemetry: {enabled: false}
nux: {enabled: false}
concurrency: {runs: {max_concurrent_runs: 1}}
event_log_storage: {module: hour_lake.orchestration.event_log, class: EventLog, config: {}}
"""


def instance_folder(settings: Settings) -> Path:
    """`DAGSTER_HOME` where it is set (a cluster does), else a folder in the project's home."""
    named = os.environ.get("DAGSTER_HOME")
    return Path(named) if named else settings.home / "dagster"


def prepare_instance(settings: Settings, folder: Path) -> Path:
    """Make the instance's folder; `dagster.yaml` of `folder` is linked, so that an edit there is in force everywhere.

    Writes `.env` beside it, which a plain `dagster dev` reads: DAGSTER_HOME, so that it keeps the same history, and
    that events are stored in batches.
    """
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    ours, linked = folder / "dagster.yaml", home / "dagster.yaml"
    if ours.is_file() and not linked.exists():
        linked.unlink(missing_ok=True)
        linked.symlink_to(ours)
    elif not linked.exists():
        linked.write_text(FALLBACK)
    _set_variable(folder / ".env", "DAGSTER_HOME", str(home))
    _set_variable(folder / ".env", BATCH_SIZE, str(EVENTS_AT_ONCE))
    return home


def _set_variable(file: Path, name: str, value: str) -> None:
    lines = file.read_text().splitlines() if file.exists() else []
    kept = [line for line in lines if not line.startswith(f"{name}=")]
    text = "\n".join([*kept, f"{name}={value}", ""])
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


@contextmanager
def open_instance(settings: Settings) -> Generator[dg.DagsterInstance]:
    """The instance that the UI shows, for a command that runs jobs itself."""
    home = instance_folder(settings)
    if not home.is_dir():
        prepare_instance(settings, Path.cwd())
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault(BATCH_SIZE, str(EVENTS_AT_ONCE))
    with dg.DagsterInstance.get() as instance:
        yield instance
