"""The `dataset` asset: one solved, tagged, immutable dataset version for the specification that was pinned."""

import dagster as dg

from hour_lake.assets.failure import coded_failures, retry_of_pods
from hour_lake.assets.partitions import DATASETS
from hour_lake.assets.project import ProjectResource, branch_of, fence_of
from hour_lake.datasets.publish import compose_and_publish


@dg.asset(
    partitions_def=DATASETS, deps=["catalog"], group_name="dataset", kinds={"duckdb", "highs"},
    retry_policy=retry_of_pods(),
)  # fmt: skip
def dataset(context: dg.AssetExecutionContext, project: ProjectResource) -> dg.MaterializeResult:
    """Segments chosen under constraints by an integer program, split by group, committed and tagged.

    The same specification over the same facts is the same version; pulling it gives the same bytes.
    """
    opened = project.get()
    branch = branch_of(context, opened)
    with coded_failures():
        version = compose_and_publish(
            opened.lake, branch, context.partition_key, opened.layers, fence=fence_of(context)
        )
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version.digest[:32]),
        metadata={"tag": version.tag, "segments": version.segments, "seconds": version.seconds},
    )
