"""Running the jobs from this process, on the instance that the UI shows: what the command line does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Ended:
    """How a run ended. `failure` is its own sentence, when it has one."""

    run_id: str
    success: bool
    failure: str | None


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


def run_whole(instance: dg.DagsterInstance, job: str, *, tags: Mapping[str, str]) -> Ended:
    """Run a job without partitions."""
    return _run(instance, job, dict(tags), assets=None)


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
    with dg.execute_job(
        rebuilt, instance, run_config=config, tags=dict(tags), asset_selection=selection, raise_on_error=False
    ) as result:
        failures = [e.message or "" for e in result.all_events if e.is_failure]
        return Ended(result.run_id, result.success, failures[0] if failures else None)
