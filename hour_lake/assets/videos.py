"""The `videos` asset: every raw video of a manifest fetched or referenced, sniffed, probed, hashed and scanned once."""

from collections import Counter
from typing import Any

import dagster as dg

from hour_lake.assets.failure import coded_failures, retry_of_pods, try_again
from hour_lake.assets.partitions import MANIFESTS
from hour_lake.assets.progress import listener
from hour_lake.assets.project import ProjectResource, branch_of, fence_of
from hour_lake.errors import HourLakeError
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.intake import read_pinned
from hour_lake.ledger.videos import Sorting, bring_in, sort_rows, stage_refusal, stage_video


@dg.asset(
    partitions_def=MANIFESTS, deps=["manifest"], group_name="videos", kinds={"ffmpeg", "parquet"},
    retry_policy=retry_of_pods(),
)  # fmt: skip
def videos(context: dg.AssetExecutionContext, project: ProjectResource) -> dg.MaterializeResult:
    """One row of facts a raw video: container, codecs, size, rotation, frame rates, durations, sound, bytes, sha256.

    Each video is decoded once, in a child process under limits, and counted: a file that ends early or is damaged is
    refused with its code and kept in quarantine, and the other videos go on. Videos that are known are not touched.
    """
    opened = project.get()
    branch, name = branch_of(context, opened), context.partition_key
    about = {"run_id": context.run_id, "assets": "videos", "manifest": name}
    fence = fence_of(context)
    with coded_failures():
        pinned = read_pinned(opened.lake, branch, name, opened.settings)
        sorting = sort_rows(opened, pinned, Ledger(opened.lake, opened.lake.resolve(branch)))
        _listen(sorting)
        refused = [error for _, error in sorting.refused]
        with opened.lake.transaction(branch, about, message=f"refused pointers of {name}", fence=fence) as transaction:
            for row, error in sorting.refused:
                stage_refusal(transaction, row.video_id, error, fingerprint="")
        for batch in bring_in(opened, sorting.new):
            with opened.lake.transaction(
                branch, about, message=f"{len(batch)} videos of {name}", fence=fence
            ) as transaction:
                for video, outcome in batch:
                    stage_video(transaction, video, outcome)
            errors = [outcome for _, outcome in batch if isinstance(outcome, HourLakeError)]
            refused += errors
            listener().advanced("videos", done=len(batch) - len(errors), failed=len(errors))
    for error in (error for error in refused if error.passing):
        failure = dg.Failure(f"a video could not be reached; the others are in: {error}", allow_retries=False)
        try_again(failure)
    return dg.MaterializeResult(metadata=_shown(sorting, refused))


def _listen(sorting: Sorting) -> None:
    before = len(sorting.refused) + sorting.refused_before
    listener().started("videos", len(sorting.new) + sorting.known + before)
    listener().advanced("videos", skipped=sorting.known, failed=before)


def _shown(sorting: Sorting, refused: list[HourLakeError]) -> dict[str, Any]:
    records = [dg.TableRecord({"code": e.code, "where": e.where or "", "message": str(e)}) for e in refused[:200]]
    return {
        "known": sorting.known,
        "new": len(sorting.new),
        "refused": len(refused) + sorting.refused_before,
        "refused_codes": dict(Counter(error.code for error in refused)),
        **({"refusals": dg.MetadataValue.table(records)} if records else {}),
    }
