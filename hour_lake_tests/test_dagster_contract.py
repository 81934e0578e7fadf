"""What Hour Lake rests on inside Dagster, with toy assets: one event a finished key, red keys only where it failed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from hour_lake.assets.events import emit, emitted_by, materialization, newest_events, ordering_output
from hour_lake.orchestration.event_log import BATCH_SIZE, EVENTS_AT_ONCE
from hour_lake.orchestration.executor import executor

KEYS = [f"k{i:02d}" for i in range(12)]
BAD = {"k03", "k07"}
PARTITIONS = dg.DynamicPartitionsDefinition(name="toys")


@dg.multi_asset(
    name="toy_pass",
    can_subset=True,
    partitions_def=PARTITIONS,
    backfill_policy=dg.BackfillPolicy.multi_run(256),
    specs=[dg.AssetSpec("first", skippable=True), dg.AssetSpec("second", deps=["first"], skippable=True)],
)
def toy_pass(context: dg.AssetExecutionContext) -> Iterator[Any]:
    selected = [name for name in ("first", "second") if dg.AssetKey(name) in context.selected_asset_keys]
    good = [key for key in context.partition_keys if key not in BAD]
    for name in selected:
        pointers = newest_events(context.instance, ["first"] if name == "second" else [], good)
        yield from emit(context, [_event(name, key, pointers) for key in good])
    for name in selected:
        yield ordering_output(name)
    raise dg.Failure("two keys failed", allow_retries=False)


@dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.multi_run(256), deps=["second"])
def below(context: dg.AssetExecutionContext) -> Iterator[Any]:
    good = [key for key in context.partition_keys if key not in BAD]
    yield from emit(context, [_event("below", key, {}) for key in good])
    yield ordering_output("below")
    raise dg.Failure("two keys are blocked", allow_retries=False)


def _event(name: str, key: str, pointers: dict[str, Any]) -> dg.AssetMaterialization:
    return materialization(name, key, version=f"{name}-{key}", code_version="1", inputs={"first": f"first-{key}"},
                           pointers=pointers, metadata={})  # fmt: skip


def toy_job() -> dg.JobDefinition:
    defs = dg.Definitions(assets=[toy_pass, below], jobs=[dg.define_asset_job("toys", "*")], executor=executor())
    return defs.resolve_job_def("toys")


# The storage that Dagster has by default, an event a time, and the one of dagster.yaml, in batches.
STORED: dict[str, dict[str, Any]] = {
    "dagster's event log": {},
    "our event log": {"event_log_storage": {"module": "hour_lake.orchestration.event_log", "class": "EventLog",
                                            "config": {}}},
}  # fmt: skip


@pytest.fixture(scope="module", params=STORED)
def ran(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dg.DagsterInstance, str]]:
    home: Path = tmp_path_factory.mktemp("dagster")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        if request.param == "our event log":
            patch.setenv(BATCH_SIZE, str(EVENTS_AT_ONCE))
        patch.setenv("DAGSTER_HOME", str(home))
        instance = stack.enter_context(dg.DagsterInstance.local_temp(str(home), overrides=STORED[request.param]))
        instance.add_dynamic_partitions("toys", KEYS)
        tags = {ASSET_PARTITION_RANGE_START_TAG: KEYS[0], ASSET_PARTITION_RANGE_END_TAG: KEYS[-1]}
        with dg.execute_job(dg.reconstructable(toy_job), instance, tags=tags, raise_on_error=False) as result:
            assert not result.success
            yield instance, result.run_id


def test_one_event_for_each_finished_key(ran: tuple[dg.DagsterInstance, str]) -> None:
    instance, run_id = ran
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION, limit=1000
    ).records
    counts = Counter((r.asset_key.to_user_string() if r.asset_key else "", r.partition_key) for r in records)
    assert counts == {(name, key): 1 for name in ("first", "second", "below") for key in KEYS if key not in BAD}


@pytest.mark.parametrize("asset", ["first", "second", "below"])
def test_only_bad_keys_are_red(ran: tuple[dg.DagsterInstance, str], asset: str) -> None:
    instance, _ = ran
    value = get_and_update_asset_status_cache_value(instance, dg.AssetKey(asset), PARTITIONS)
    assert value is not None
    with instance:
        failed = value.deserialize_failed_partition_subsets(PARTITIONS).get_partition_keys()
        done = value.deserialize_materialized_partition_subsets(PARTITIONS).get_partition_keys()
    assert set(failed) == BAD
    assert set(done) == set(KEYS) - BAD


def test_a_step_that_is_tried_again_knows_what_it_reported(ran: tuple[dg.DagsterInstance, str]) -> None:
    instance, run_id = ran
    assert emitted_by(instance, run_id, "first", KEYS) == set(KEYS) - BAD
    assert emitted_by(instance, "another-run", "first", KEYS) == set()


def test_versions_and_pointers_are_kept(ran: tuple[dg.DagsterInstance, str]) -> None:
    instance, _ = ran
    record = instance.fetch_materializations(dg.AssetKey("second"), limit=1).records[0]
    event = record.asset_materialization
    assert event is not None and event.tags is not None
    key = record.partition_key
    assert event.tags["dagster/data_version"] == f"second-{key}"
    first = newest_events(instance, ["first"], [str(key)])["first"][str(key)]
    assert event.tags["dagster/input_event_pointer/first"] == str(first)
