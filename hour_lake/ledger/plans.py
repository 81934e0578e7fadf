"""Cutting plans as the ledger knows them: planning what is stale, and which segments exist."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hour_lake.identity import Segment
from hour_lake.lake.interface import Entry, Lake, Transaction
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.paths import plan_path, quarantine_path, scan_path
from hour_lake.ledger.project import Project
from hour_lake.ledger.ranges import within
from hour_lake.ledger.recipe import recipe, step_parts, stored
from hour_lake.ledger.rows import plan_bytes, scan_from
from hour_lake.manifests.read import Row
from hour_lake.media.plan import Stretch, plan
from hour_lake.passes.fingerprint import Fingerprint


@dataclass(frozen=True)
class NewPlan:
    """A plan that differs from the stored one, and the segments that it replaces."""

    video_id: str
    stretches: list[Stretch]
    fingerprint: Fingerprint
    superseded: list[Segment]

    @property
    def segments(self) -> list[Segment]:
        """What is cut, in time order."""
        return [Segment(self.video_id, s.start_ms, s.stop_ms) for s in self.stretches if s.segment]


def stale_plans(project: Project, rows: Iterable[Row], ledger: Ledger) -> Iterator[NewPlan]:
    """A plan for every video whose scan, range, rules or planning code changed."""
    rules = project.settings.segment
    for row in rows:
        scanned = ledger.entry(scan_path(row.video_id))
        if scanned is None:
            continue
        config = {**rules.model_dump(), "start_seconds": row.start_seconds, "stop_seconds": row.stop_seconds}
        now = recipe(step_parts(source=project.plan_source, config=config), {"scan": scanned.digest})
        known = ledger.entry(plan_path(row.video_id))
        if known is None or known.metadata.get("fingerprint") != now.value:
            scan = scan_from(project.lake.read(ledger.commit, scanned.path))
            stretches = within(plan(scan, rules), row.start_seconds, row.stop_seconds, rules)
            kept = {(s.start_ms, s.stop_ms) for s in stretches if s.segment}
            old = planned_segments(row.video_id, known) if known else []
            gone = [segment for segment in old if (segment.start_ms, segment.stop_ms) not in kept]
            yield NewPlan(row.video_id, stretches, now, gone)


def stage_plan(transaction: Transaction, project: Project, new: NewPlan) -> None:
    """Store a plan; the outputs of segments that it no longer has are withdrawn from the branch."""
    bounds = ",".join(f"{s.start_ms}-{s.stop_ms}" for s in new.segments)
    metadata = {**stored(new.fingerprint), "segments": bounds}
    transaction.put(plan_path(new.video_id), plan_bytes(new.video_id, new.stretches), metadata)
    for segment in new.superseded:
        for step in project.steps.values():
            for path in step.outputs(segment):
                transaction.delete(path)
            transaction.delete(quarantine_path(step.name, segment))


def planned_segments(video_id: str, plan_entry: Entry) -> list[Segment]:
    """The segments of one stored plan, in time order, without opening it."""
    bounds = [b.split("-") for b in plan_entry.metadata.get("segments", "").split(",") if b]
    return [Segment(video_id, int(start), int(stop)) for start, stop in bounds]


def all_segments(lake: Lake, ref: str, pattern: str = "*") -> list[Segment]:
    """Every planned segment whose id matches a shell pattern, a video's segments side by side."""
    found: list[Segment] = []
    for entry in lake.entries(ref, "plans/"):
        video_id = entry.path.removeprefix("plans/").removesuffix(".parquet")
        found += [s for s in planned_segments(video_id, entry) if fnmatchcase(s.id, pattern)]
    return found


def segments_of_videos(lake: Lake, ref: str, video_ids: Iterable[str]) -> list[Segment]:
    """The planned segments of some videos, in the order given."""
    entries = ((video_id, lake.entry(ref, plan_path(video_id))) for video_id in video_ids)
    return [segment for video_id, entry in entries if entry for segment in planned_segments(video_id, entry)]
