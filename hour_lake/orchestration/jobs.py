"""The jobs that people, sensors and the command line start; each is a selection of assets."""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from hour_lake.passes.declare import Layer

INGEST = "ingest"
ENRICH = "enrich"
OVER_ALL = "enrich_corpus"
CATALOG = "refresh_catalog"
COMPOSE = "compose"


def jobs(layers: Sequence[Layer]) -> dict[str, UnresolvedAssetJobDefinition]:
    """One job a partition set: `ingest` a manifest, `enrich` segments, `enrich_corpus` where a layer looks at all of
    them, `refresh_catalog`, `compose` a dataset.
    """
    corpus_assets = [layer.name for layer in layers if layer.is_corpus_wide]
    own = [layer.name for layer in layers if not layer.is_corpus_wide]
    segment_assets = ["segments", "audio", *own, "cleaning_flags"]
    every = [
        dg.define_asset_job(INGEST, ["manifest", "videos", "segment_plan"], description="Take a manifest in."),
        dg.define_asset_job(
            ENRICH, segment_assets, description="Clips, sound, layers and flags of a range of segments."
        ),
        dg.define_asset_job(CATALOG, ["catalog"], description="Compact the tables and the facts."),
        dg.define_asset_job(COMPOSE, ["dataset"], description="Solve and tag one dataset."),
    ]
    if corpus_assets:
        every.append(dg.define_asset_job(OVER_ALL, corpus_assets, description="Layers that look at all segments."))
    return {job.name: job for job in every}
