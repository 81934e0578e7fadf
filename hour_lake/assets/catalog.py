"""The `catalog` asset: compacted tables and the facts table, written from what changed since the last time."""

from collections.abc import Sequence

import dagster as dg

from hour_lake.assets.experiment import comparison_metadata
from hour_lake.assets.failure import coded_failures, retry_of_pods
from hour_lake.assets.project import ProjectResource, branch_of, fence_of
from hour_lake.catalog.compact import compact
from hour_lake.passes.declare import Layer


def catalog_asset(layers: Sequence[Layer]) -> dg.AssetsDefinition:
    """The asset; it depends on every layer."""

    @dg.asset(
        deps=["cleaning_flags", *(layer.name for layer in layers)], group_name="catalog", kinds={"duckdb", "parquet"},
        retry_policy=retry_of_pods(),
    )  # fmt: skip
    def catalog(context: dg.AssetExecutionContext, project: ProjectResource) -> dg.MaterializeResult:
        """Compacted tables, and `facts`: one row a segment, one struct column a layer.

        Queries never wait for it: they read what it compacted plus what was written since. On another branch than the
        settings' own, its metadata show what differs there: facts, gates, members of datasets.
        """
        opened = project.get()
        branch = branch_of(context, opened)
        with coded_failures():
            base = opened.lake.resolve(branch)
            metadata = {"run_id": context.run_id, "assets": "catalog"}
            tables = 0
            with opened.lake.transaction(branch, metadata, message="catalog", fence=fence_of(context)) as transaction:
                for path, data, about in compact(opened.lake, base, opened.layers):
                    transaction.put(path, data, about)
                    tables += 1
        diff = comparison_metadata(context, opened, branch)
        return dg.MaterializeResult(metadata={"tables_written": tables, "compacted_commit": base, **diff})

    return catalog
