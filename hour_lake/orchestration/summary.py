"""What the instance knows about work that was done: worker seconds an asset."""

from collections import defaultdict

import dagster as dg

from hour_lake.ledger.project import Project
from hour_lake.orchestration.instance import open_instance

LIMIT = 10_000  # Dagster gives no more at a time; newest first, so the current partitions are among them


def asset_seconds(project: Project) -> dict[str, float]:
    """Seconds of worker time that the newest event of each partition reports, summed by asset."""
    found: dict[str, float] = {}
    with open_instance(project.settings) as instance:
        for asset in project.steps:
            newest: dict[str, float] = defaultdict(float)
            for record in instance.fetch_materializations(dg.AssetKey(asset), limit=LIMIT).records:
                event = record.asset_materialization
                seconds = event.metadata.get("seconds") if event else None
                if seconds is not None and record.partition_key not in newest:
                    newest[record.partition_key or ""] = float(str(seconds.value))
            found[asset] = sum(newest.values())
    return found
