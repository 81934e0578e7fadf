"""The one place where the parts are joined into Dagster's definitions."""

import warnings
from collections.abc import Mapping

import dagster as dg

from hour_lake.assets.catalog import catalog_asset
from hour_lake.assets.cleaning_flags import cleaning_flags_asset
from hour_lake.assets.corpus import corpus_asset
from hour_lake.assets.dataset import dataset
from hour_lake.assets.layers import pass_asset
from hour_lake.assets.manifest import manifest
from hour_lake.assets.project import ProjectResource
from hour_lake.assets.segment_plan import segment_plan
from hour_lake.assets.segments import segment_assets
from hour_lake.assets.videos import videos
from hour_lake.orchestration.executor import executor
from hour_lake.orchestration.jobs import jobs
from hour_lake.orchestration.sensors import sensors
from hour_lake.passes.declare import Layer
from hour_lake.passes.plan import passes_of


def build_definitions(layers: Mapping[str, Layer], *, partitions_per_run: int) -> dg.Definitions:
    """The whole flow for a set of layers. Opens nothing: the lake is opened by the first step that runs.

    manifest -> videos -> segment_plan -> segments -> audio -> layers (a pass a step) -> layers over the
        corpus -> cleaning_flags -> catalog -> dataset
    """
    # Backfill policies are beta in Dagster 1.13; the pinned version and a contract test stand in for the warning.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    policy = dg.BackfillPolicy.multi_run(partitions_per_run)
    found = list(layers.values())
    made = jobs(found)
    return dg.Definitions(
        assets=[
            manifest,
            videos,
            segment_plan,
            *segment_assets(policy),
            *(pass_asset(each, policy) for each in passes_of(layers.values())),
            *(corpus_asset(layer) for layer in found if layer.is_corpus_wide),
            cleaning_flags_asset(found, policy),
            catalog_asset(found),
            dataset,
        ],
        jobs=list(made.values()),
        sensors=sensors(made, partitions_per_run=partitions_per_run),
        resources={"project": ProjectResource()},
        executor=executor(),
    )
