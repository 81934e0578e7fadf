"""Running the jobs from this process, on the instance that the UI shows: what the command line does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from hour_lake.errors import HourLakeError, error_from
from hour_lake.orchestration.signals import stopped_by_signals

OUTPUTS_FAILED = "count"  # in the metadata of the failure that ends a batch with red partitions
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Ended:
    """How a run ended; `failure` is the error of its first failed step, if it is not that some outputs failed."""

    run_id: str
    success: bool
    failure: HourLakeError | None


def job_named(name: str) -> dg.JobDefinition:
    """A job of the definitions, for Dagster to rebuild by name."""
    from hour_lake.definitions import defs

    return defs.resolve_job_def(name)


def run_partition(instance: dg.DagsterInstance, job: str, key: str, *, tags: Mapping[str, str]) -> Ended:
    """Run a job for one partition."""
    return _run(instance, job, {**tags, PARTITION_NAME_TAG: key}, assets=None)


def run_range(
    instance: dg.DagsterInstance, job: str, first: str, last: str, *, assets: Sequence[str], tags: Mapping[str, str],
    refresh: bool = False,
) -> Ended:  # fmt: skip
    """Run some assets of a job over a range of partitions, first and last included."""
    bounds = {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
    return _run(instance, job, {**tags, **bounds}, assets=assets, refresh=refresh)


def run_whole(
    instance: dg.DagsterInstance, job: str, *, assets: Sequence[str], tags: Mapping[str, str], refresh: bool = False
) -> Ended:
    """Run some assets of a job without partitions."""
    return _run(instance, job, dict(tags), assets=assets, refresh=refresh)


def _run(
    instance: dg.DagsterInstance,
    job: str,
    tags: Mapping[str, str],
    *,
    assets: Sequence[str] | None,
    refresh: bool = False,
) -> Ended:
    rebuilt = dg.build_reconstructable_job("hour_lake.orchestration.launch", "job_named", (job,))
    selection = [dg.AssetKey(name) for name in assets] if assets else None
    config = {**QUIET, "resources": {"project": {"config": {"refresh": refresh}}}}
    with (
        stopped_by_signals(),
        dg.execute_job(
            rebuilt, instance, run_config=config, tags=dict(tags), asset_selection=selection, raise_on_error=False
        ) as result,
    ):
        errors = (_error_of(event) for event in result.all_events if event.is_step_failure)
        return Ended(result.run_id, result.success, next((error for error in errors if error is not None), None))


def _error_of(event: dg.DagsterEvent) -> HourLakeError | None:
    """The coded error that a step failed with; RUN_FAILED for any other exception.

    None when the step itself went well, but some outputs failed or are blocked: the ledger tells which and why.
    """
    data = event.step_failure_data
    told = data.user_failure_data.metadata if data.user_failure_data else {}
    fields = {name: str(value.value) for name, value in told.items()}
    if OUTPUTS_FAILED in fields:
        return None
    if {"kind", "code", "message"} <= set(fields):
        return error_from({"value": None, "where": None, "fix": None, **fields})
    cause = data.error.cause if data.error and data.error.cause else data.error
    message = cause.message.strip() if cause else event.message or "the run failed"
    return HourLakeError("RUN_FAILED", message, where=f"run {event.step_key}", fix="open the run in `make dev`")
