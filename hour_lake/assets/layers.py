"""Every layer as its own asset, all layers of a pass in one step over one decode."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from hour_lake.assets.batch import Task, run_batch
from hour_lake.assets.failure import retry_of_pods
from hour_lake.assets.fetch import Fetch
from hour_lake.assets.hardware import on_gpu, op_tags_for, pool_for
from hour_lake.assets.partitions import SEGMENTS
from hour_lake.assets.project import ProjectResource
from hour_lake.errors import HourLakeError
from hour_lake.identity import Segment
from hour_lake.ledger import paths
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.landing import Made, Product
from hour_lake.ledger.project import Project
from hour_lake.ledger.steps import Step
from hour_lake.passes.declare import Layer
from hour_lake.passes.fingerprint import source_digest
from hour_lake.passes.plan import Pass
from hour_lake.passes.run import Outcome
from hour_lake.passes.segment import SegmentTask, run_segment


def pass_asset(each: Pass, policy: dg.BackfillPolicy) -> dg.AssetsDefinition:
    """One subsettable step for all layers of a pass; what is selected in the UI is what runs."""

    @dg.multi_asset(
        name=f"{each.name}_pass", can_subset=True, partitions_def=SEGMENTS, backfill_policy=policy,
        specs=[layer_spec(layer) for layer in each.layers],
        op_tags=op_tags_for(each.layers), pool=pool_for(each.layers), retry_policy=retry_of_pods(),
    )  # fmt: skip
    def run(context: dg.AssetExecutionContext, project: ProjectResource) -> Iterator[Any]:
        selected = {key.to_user_string() for key in context.selected_asset_keys}
        wanted = [layer.name for layer in each.layers if layer.name in selected]
        yield from run_batch(context, project, wanted, _run_layers)

    return run


def layer_spec(layer: Layer) -> dg.AssetSpec:
    """How a layer shows in the UI: what it is, what it reads, its columns and its facts."""
    columns = [dg.TableColumn(name, kind) for name, kind in layer.columns.items()]
    return dg.AssetSpec(
        layer.name,
        deps=list(dict.fromkeys(Step.writer(read) for read in layer.reads)),
        description=layer.description,
        group_name=layer.group,
        kinds={"python", "parquet", *(["gpu"] if layer.compute == "gpu" else [])},
        owners=[layer.owner] if layer.owner else [],
        code_version=source_digest(layer)[:12],
        skippable=True,
        metadata={
            "dagster/column_schema": dg.TableSchema(columns),
            "facts": dg.MetadataValue.json(dict(layer.facts)),
            "configuration": dg.MetadataValue.json({name: repr(value) for name, value in layer.config.items()}),
            **({"models": list(layer.all_models)} if layer.all_models else {}),
        },
    )


def _run_layers(project: Project, tasks: Sequence[Task], ledger: Ledger, scratch: Path) -> Iterator[tuple[Task, Made]]:
    by_segment = {task.segment.id: task for task in tasks}
    fetch = Fetch(lambda task: _segment_task(project, task, ledger), project.fetches_at_once)
    limit = project.settings.segment_seconds_limit
    wanted = {name for task in tasks for name in task.wanted}
    workers = project.gpu_workers if on_gpu([project.layers[name] for name in wanted]) else project.workers
    for job, outcome in workers.map(run_segment, fetch(tasks), seconds=limit):
        task = by_segment[job.segment_id]
        if isinstance(outcome, HourLakeError):
            yield task, dict.fromkeys(task.wanted, outcome)
        else:
            yield (
                task,
                {
                    name: of if isinstance(of, HourLakeError) else product(name, task.segment, of)
                    for name, of in outcome.items()
                },
            )
    yield from fetch.failed()


def product(name: str, segment: Segment, outcome: Outcome) -> Product:
    """What is stored of a layer's outcome: its table, and its clip where it gives one."""
    shown: dict[str, Any] = {"rows": outcome.rows, "seconds": round(outcome.seconds, 4), "bytes": len(outcome.data)}
    files: dict[str, bytes | Path] = {paths.layer_path(name, segment): outcome.data}
    if outcome.device is not None:
        shown["device"] = outcome.device
    if outcome.clip is not None:
        files[paths.layer_clip_path(name, segment)] = outcome.clip
        shown["clip_bytes"] = len(outcome.clip)
    return Product(files, shown)


def _segment_task(project: Project, task: Task, ledger: Ledger) -> SegmentTask:
    """What a worker needs to make the wanted layers of one segment: addresses of what they read, and configuration."""
    steps = [project.steps[name] for name in task.wanted]
    reads = {read for step in steps for read in step.reads if read not in task.wanted}
    locations: dict[str, str] = {}
    for step in steps:
        for read in reads.intersection(step.reads):
            entry = ledger.entry(step.input_path(read, task.segment))
            if entry is not None:
                locations[read] = str(project.lake.local_file(ledger.commit, entry))
    return SegmentTask(
        segment_id=task.segment.id,
        wanted=task.wanted,
        locations=locations,
        config={name: project.config_of(project.layers[name]) for name in task.wanted},
    )
