"""Dagster events of a batch: exactly one materialization a finished (asset, partition), each with its own data version.

The two uses of Dagster's internals are here and nowhere else; `test_dagster_contract.py` guards them.
Without them a run over a range emits an automatic event for every key, failed ones included, all with one version.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, generate_event_batch_id

VERSION_DIGITS = 32  # of a fingerprint: Dagster's tags take at most 63 characters
Pointers = Mapping[str, Mapping[str, int]]


def ordering_output(asset: str) -> dg.MaterializeResult[Any]:
    """Lets downstream steps start and makes Dagster emit no event of its own."""
    return dg.MaterializeResult(asset_key=asset, metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True})


def emit(context: dg.AssetExecutionContext, events: Sequence[dg.AssetMaterialization]) -> Iterator[DagsterEvent]:
    """The events as one batch: one INSERT on PostgreSQL when DAGSTER_EVENT_BATCH_SIZE is set, else one write each."""
    step = context.op_execution_context._step_execution_context  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
    batch = generate_event_batch_id()
    for i, event in enumerate(events):
        yield DagsterEvent.asset_materialization(step, event, DagsterEventBatchMetadata(batch, i == len(events) - 1))


def materialization(
    asset: str, key: str, *, version: str, code_version: str, inputs: Mapping[str, str], pointers: Pointers,
    metadata: Mapping[str, Any],
) -> dg.AssetMaterialization:  # fmt: skip
    """One event. `inputs`: data version of each upstream asset; `pointers`: its newest event, so that only what really
    changed upstream shows this partition as stale in the UI."""
    tags = {
        "dagster/data_version": version,
        "dagster/data_version_is_user_provided": "true",
        "dagster/code_version": code_version,
    }
    for upstream, upstream_version in inputs.items():
        if key in pointers.get(upstream, {}):
            tags[f"dagster/input_data_version/{upstream}"] = upstream_version
            tags[f"dagster/input_event_pointer/{upstream}"] = str(pointers[upstream][key])
    return dg.AssetMaterialization(asset_key=asset, partition=key, tags=tags, metadata=metadata)


def newest_events(instance: dg.DagsterInstance, assets: Sequence[str], keys: Sequence[str]) -> Pointers:
    """Storage id of the newest materialization, by asset and partition key."""
    store, kind = instance.event_log_storage, dg.DagsterEventType.ASSET_MATERIALIZATION
    return {a: store.get_latest_storage_id_by_partition(dg.AssetKey(a), kind, set(keys)) for a in assets}


def emitted_by(instance: dg.DagsterInstance, run_id: str, asset: str, keys: Sequence[str]) -> set[str]:
    """Partition keys that this run has already reported for an asset (a step that is tried again asks)."""
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=list(keys))
    records = instance.fetch_materializations(wanted, limit=2 * len(keys)).records
    return {r.partition_key for r in records if r.run_id == run_id and r.partition_key is not None}
