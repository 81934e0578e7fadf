"""A daemon's sensors without a daemon: each is asked in turn, what it asks for is run, until none asks any more.

`python -m hour_lake_tests.ticking` prints, as JSON, the rounds: what each sensor asked for, by its name.
"""

import json
from typing import Any

import dagster as dg

from hour_lake.definitions import defs

SENSORS = ("enrich_stale_corpus", "judge_stale_flags", "refresh_stale_catalog")
ROUNDS = 8


def ticks(instance: dg.DagsterInstance) -> list[dict[str, list[Any]]]:
    """The rounds in which something was asked for; AssertionError where it does not end."""
    cursors: dict[str, str | None] = {}
    run_keys: set[str | None] = set()
    rounds: list[dict[str, list[Any]]] = []
    for _ in range(ROUNDS):
        found = [(name, request) for name in SENSORS for request in _asked_by(instance, name, cursors)]
        new = [(name, request) for name, request in found if request.run_key not in run_keys]
        if not new:
            return rounds
        run_keys |= {request.run_key for _, request in new}
        rounds.append({})
        for name, request in new:
            rounds[-1].setdefault(name, []).append(_run(instance, name, request))
    raise AssertionError(f"they go on asking: {rounds}")


def _asked_by(instance: dg.DagsterInstance, name: str, cursors: dict[str, str | None]) -> list[dg.RunRequest]:
    found = defs.resolve_sensor_def(name)(dg.build_sensor_context(instance=instance, cursor=cursors.get(name)))
    if isinstance(found, dg.SensorResult):
        cursors[name] = found.cursor
        return list(found.run_requests or ())
    return [found] if isinstance(found, dg.RunRequest) else []


def _run(instance: dg.DagsterInstance, name: str, request: dg.RunRequest) -> list[str]:
    """Assets and bounds of what was run."""
    job_name = defs.resolve_sensor_def(name).job_name
    job = dg.build_reconstructable_job("hour_lake.orchestration.launch", "job_named", (job_name,))
    assets = list(request.asset_selection or ())
    with dg.execute_job(job, instance, tags=dict(request.tags), asset_selection=assets or None) as result:
        assert result.success
    bounds = [value for tag, value in sorted(request.tags.items()) if "asset_partition_range" in tag]
    return [*sorted(key.to_user_string() for key in assets), *sorted(bounds)]


if __name__ == "__main__":
    with dg.DagsterInstance.get() as opened:
        print(json.dumps(ticks(opened)))
