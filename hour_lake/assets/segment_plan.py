"""The `segment_plan` asset: where each video is cut; registers the `segments` partitions."""

import dagster as dg

from hour_lake.assets.failure import coded_failures
from hour_lake.assets.partitions import MANIFESTS, SEGMENTS, key_of
from hour_lake.assets.project import ProjectResource, branch_of, fence_of
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.intake import read_pinned
from hour_lake.ledger.plans import segments_of_videos, stage_plan, stale_plans


@dg.asset(partitions_def=MANIFESTS, deps=["videos"], group_name="segments", kinds={"parquet"})
def segment_plan(context: dg.AssetExecutionContext, project: ProjectResource) -> dg.MaterializeResult:
    """Segments of 3 to 15 s from shot boundaries and pauses of speech, never across a cut, on the 40 ms grid.

    Every stretch of a video that is in no segment has a row with its reason. The segments become partitions, a video's
    segments side by side, so that a range of partitions is a range of videos.
    """
    opened = project.get()
    branch, name = branch_of(context, opened), context.partition_key
    assert SEGMENTS.name is not None
    with coded_failures():
        ledger = Ledger(opened.lake, opened.lake.resolve(branch))
        pinned = read_pinned(opened.lake, branch, name, opened.settings)
        rows = pinned.manifest.rows
        plans = list(stale_plans(opened, rows, ledger))
        metadata = {"run_id": context.run_id, "assets": "segment_plan", "manifest": name}
        with opened.lake.transaction(
            branch, metadata, message=f"plans of {name}: {len(plans)}", fence=fence_of(context)
        ) as transaction:
            for plan in plans:
                stage_plan(transaction, opened, plan)
        segments = segments_of_videos(opened.lake, branch, [row.video_id for row in rows])
    context.instance.add_dynamic_partitions(SEGMENTS.name, [key_of(segment) for segment in segments])
    seconds = sum(segment.duration_ms for segment in segments) / 1000
    return dg.MaterializeResult(
        metadata={"segments": len(segments), "seconds": seconds, "new_plans": len(plans),
                  "superseded_segments": sum(len(plan.superseded) for plan in plans)}
    )  # fmt: skip
