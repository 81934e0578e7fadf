"""The `cleaning_flags` asset: what every gate says of a segment; nothing is deleted."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from hour_lake.assets.batch import Task, run_batch
from hour_lake.assets.failure import retry_of_pods
from hour_lake.assets.partitions import SEGMENTS
from hour_lake.assets.project import ProjectResource
from hour_lake.catalog.gates import flags_of
from hour_lake.ledger import paths
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.landing import Made, Product
from hour_lake.ledger.project import Project
from hour_lake.passes.declare import Layer


def cleaning_flags_asset(layers: Sequence[Layer], policy: dg.BackfillPolicy) -> dg.AssetsDefinition:
    """The asset; it depends on every layer that has facts."""

    @dg.asset(
        partitions_def=SEGMENTS, backfill_policy=policy, group_name="flags", kinds={"duckdb", "parquet"},
        deps=[layer.name for layer in layers if layer.facts], retry_policy=retry_of_pods(),
    )  # fmt: skip
    def cleaning_flags(context: dg.AssetExecutionContext, project: ProjectResource) -> Iterator[Any]:
        """A value and a verdict of each gate of `gates.yaml`.

        A gate whose layer failed for a segment has no verdict (NULL) and says which layer is missing: a segment without
        sound still has its flags.
        """
        yield from run_batch(context, project, ["cleaning_flags"], _flags)

    return cleaning_flags


def _flags(project: Project, tasks: Sequence[Task], ledger: Ledger, scratch: Path) -> Iterator[tuple[Task, Made]]:
    if not tasks:
        return
    segments = [task.segment for task in tasks]
    tables = flags_of(project.lake, ledger.commit, segments, gates=project.gates, layers=project.layers)
    for task in tasks:
        found = tables[task.segment.id]
        shown = {"passed": found.passed, "failed_gates": ", ".join(found.failed)}
        yield task, {"cleaning_flags": Product({paths.flags_path(task.segment): found.data}, shown)}
