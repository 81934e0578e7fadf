"""The `manifest` asset: the validated rows of one manifest file, read from the copy that was pinned when it came in."""

import json

import dagster as dg

from hour_lake.assets.failure import coded_failures, retry_of_pods
from hour_lake.assets.partitions import MANIFESTS
from hour_lake.assets.project import ProjectResource, branch_of, fence_of
from hour_lake.catalog.buckets import parquet_bytes
from hour_lake.ledger.intake import read_pinned
from hour_lake.ledger.paths import manifest_path, quarantine_path
from hour_lake.manifests.table import manifest_table


@dg.asset(partitions_def=MANIFESTS, group_name="manifest", kinds={"parquet"}, retry_policy=retry_of_pods())
def manifest(context: dg.AssetExecutionContext, project: ProjectResource) -> dg.MaterializeResult:
    """The validated rows of one manifest file: pointers to raw videos and whatever metadata came with them.

    A row that cannot be taken is refused by itself, with its line, code and fix, and kept in quarantine; a file that
    cannot be read at all fails the partition.
    """
    opened = project.get()
    branch, name = branch_of(context, opened), context.partition_key
    with coded_failures():
        pinned = read_pinned(opened.lake, branch, name, opened.settings)
        table = manifest_table(pinned.manifest)
        refused = [error.as_dict() for error in pinned.manifest.refused]
        metadata = {"run_id": context.run_id, "assets": "manifest", "manifest": name}
        with opened.lake.transaction(
            branch, metadata, message=f"manifest {name}: {table.num_rows} rows", fence=fence_of(context)
        ) as transaction:
            entry = transaction.put(manifest_path(name), parquet_bytes(table), {"source_sha256": pinned.sha256})
            if refused:
                text = json.dumps(refused, indent=1, sort_keys=True) + "\n"
                transaction.put(quarantine_path("manifest", name), text.encode(), {"code": refused[0]["code"] or ""})
            else:
                transaction.delete(quarantine_path("manifest", name))
    rows = [dg.TableRecord({k: v or "" for k, v in fields.items()}) for fields in refused[:200]]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(entry.digest[:32]),
        metadata={
            "dagster/partition_row_count": table.num_rows,
            "refused_rows": len(refused),
            "notices": pinned.manifest.notices,
            **({"refused": dg.MetadataValue.table(rows)} if rows else {}),
        },
    )
