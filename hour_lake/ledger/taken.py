"""What of a manifest is in the lake: whether anything is left to take in, and what was refused."""

import json
from typing import NamedTuple

from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.intake import read_pinned
from hour_lake.ledger.paths import manifest_path, plan_path, quarantine_path, video_path
from hour_lake.ledger.plans import planned_segments, stale_plans
from hour_lake.ledger.project import Project
from hour_lake.ledger.videos import sort_rows


class Refusal(NamedTuple):
    """A row or a video that was not taken in."""

    what: str
    code: str
    why: str


def anything_new(project: Project, branch: str, name: str) -> bool:
    """Whether a run of `ingest` for a pinned manifest would change anything. Opens no video."""
    ledger = Ledger(project.lake, project.lake.resolve(branch))
    pinned = read_pinned(project.lake, branch, name, project.settings)
    known = ledger.entry(manifest_path(name))
    if known is None or known.metadata.get("source_sha256") != pinned.sha256:
        return True
    sorting = sort_rows(project, pinned, ledger)
    kept = all(ledger.entry(quarantine_path("videos", row.video_id)) for row, _ in sorting.refused)
    return bool(sorting.new) or not kept or any(True for _ in stale_plans(project, pinned.manifest.rows, ledger))


def taken_in(project: Project, branch: str, name: str) -> tuple[int, int, list[Refusal]]:
    """Number of videos and of segments of a manifest, and what was refused."""
    ledger = Ledger(project.lake, project.lake.resolve(branch))
    pinned = read_pinned(project.lake, branch, name, project.settings)
    refused = [Refusal(error.where or name, error.code, error.message) for error in pinned.manifest.refused]
    videos = segments = 0
    for row in pinned.manifest.rows:
        failure = ledger.entry(quarantine_path("videos", row.video_id))
        if failure is not None:
            why = json.loads(project.lake.read(ledger.commit, failure.path))
            refused.append(Refusal(row.video_id, why["code"], why["message"]))
        elif ledger.entry(video_path(row.video_id)):
            videos += 1
        plan = ledger.entry(plan_path(row.video_id))
        segments += len(planned_segments(row.video_id, plan)) if plan else 0
    return videos, segments, refused
