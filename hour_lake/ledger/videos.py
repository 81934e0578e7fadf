"""Raw videos as the ledger knows them: which rows of a manifest are new, bringing those in, staging what was found."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hour_lake.errors import HourLakeError, ManifestError
from hour_lake.lake.interface import Transaction
from hour_lake.ledger.batches import batches
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.intake import Pinned
from hour_lake.ledger.paths import quarantine_path, scan_path, video_path
from hour_lake.ledger.project import Project
from hour_lake.ledger.recipe import recipe, stored
from hour_lake.ledger.rows import scan_bytes, video_bytes
from hour_lake.manifests.fetch import LocalFile, localise, signature
from hour_lake.manifests.pointer import Pointer, parse_pointer
from hour_lake.manifests.read import Row
from hour_lake.manifests.redact import redacted
from hour_lake.media.scan import Scan, scan
from hour_lake.passes.fingerprint import Fingerprint
from hour_lake.settings import Limits
from hour_lake.threads import Threads

BATCH_VIDEOS = 16
BATCH_SECONDS = 10.0
DOWNLOADS = 4


@dataclass(frozen=True)
class NewVideo:
    """A row whose video must be brought in: never seen, or its file, pointer or our code changed."""

    row: Row
    pointer: Pointer
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Scanned:
    """A raw video that was brought in."""

    file: LocalFile
    scan: Scan


@dataclass
class Sorting:
    """The rows of one manifest, sorted by what the ledger knows."""

    known: int = 0
    new: list[NewVideo] = field(default_factory=list[NewVideo])
    refused: list[tuple[Row, HourLakeError]] = field(default_factory=list[tuple[Row, HourLakeError]])
    refused_before: int = 0


def sort_rows(project: Project, pinned: Pinned, ledger: Ledger) -> Sorting:
    """Which videos of a manifest are known, new, or refused by their pointer. Opens no video and no connection."""
    sorting = Sorting()
    for row in pinned.manifest.rows:
        try:
            pointer = _pointer(project, pinned, row)
            now = _fingerprint(project, row, signature(pointer))
        except HourLakeError as error:
            sorting.refused.append((row, error))
            continue
        known = ledger.entry(video_path(row.video_id))
        failure = ledger.entry(quarantine_path("videos", row.video_id))
        if failure is not None and failure.metadata.get("fingerprint") == now.value:
            sorting.refused_before += 1
        elif known is not None and known.metadata.get("fingerprint") == now.value:
            sorting.known += 1
        else:
            sorting.new.append(NewVideo(row, pointer, now))
    return sorting


def _pointer(project: Project, pinned: Pinned, row: Row) -> Pointer:
    settings = project.settings
    return parse_pointer(
        row.source, base=pinned.folder, roots=settings.source_roots, allowed_hosts=settings.allowed_hosts,
        allow_http=settings.allow_http,
    )  # fmt: skip


def _fingerprint(project: Project, row: Row, found: str) -> Fingerprint:
    inputs = {"file": found, "declared": row.sha256 or ""}
    return recipe(project.scan_parts, inputs)


def bring_in(project: Project, videos: Sequence[NewVideo]) -> Iterator[list[tuple[NewVideo, Scanned | HourLakeError]]]:
    """Localise and scan videos, downloads and decoding side by side; gives what is finished, a batch at a time."""
    return batches(_scanned(project, videos), most=BATCH_VIDEOS, seconds=BATCH_SECONDS)


def _scanned(project: Project, videos: Sequence[NewVideo]) -> Iterator[tuple[NewVideo, Scanned | HourLakeError]]:
    limits = project.settings.limits
    local: dict[str, tuple[NewVideo, LocalFile]] = {}
    for video, file in _localised(project, videos):
        if isinstance(file, HourLakeError):
            yield video, file
        else:
            local[video.row.video_id] = (video, file)
    tasks = [(video_id, str(file.path), limits) for video_id, (_, file) in local.items()]
    for (video_id, *_), outcome in project.workers.map(scan_task, tasks, seconds=limits.max_wall_seconds):
        video, file = local[video_id]
        yield video, outcome if isinstance(outcome, HourLakeError) else _in_range(video.row, Scanned(file, outcome))


def _in_range(row: Row, scanned: Scanned) -> Scanned | HourLakeError:
    """RANGE_INVALID for a range that the video does not have; a common cause is milliseconds given as seconds."""
    seconds = scanned.scan.facts.video_duration_seconds
    late = [bound for bound in (row.start_seconds, row.stop_seconds) if bound is not None and bound > seconds + 0.04]
    if not late:
        return scanned
    return ManifestError("RANGE_INVALID", f"the range reaches beyond the video's {seconds:.2f} s", value=late[0],
                         where=row.source, fix="seconds, not milliseconds")  # fmt: skip


def scan_task(task: tuple[str, str, Limits]) -> Scan:
    """What a worker process does with one raw video."""
    _, path, limits = task
    return scan(Path(path), limits)


def _localised(project: Project, videos: Iterable[NewVideo]) -> Iterator[tuple[NewVideo, LocalFile | HourLakeError]]:
    def bring(video: NewVideo) -> LocalFile | HourLakeError:
        try:
            cache, limits = project.settings.home / "raw", project.settings.limits
            return localise(video.pointer, cache=cache, limits=limits, sha256=video.row.sha256)
        except HourLakeError as error:
            return error

    videos = list(videos)
    with Threads(DOWNLOADS) as threads:
        yield from zip(videos, threads.map(bring, videos), strict=True)


def stage_video(transaction: Transaction, video: NewVideo, outcome: Scanned | HourLakeError) -> None:
    """Facts and scan of a video that was taken; the reason of one that was refused."""
    video_id = video.row.video_id
    if isinstance(outcome, HourLakeError):
        stage_refusal(transaction, video_id, outcome, fingerprint=video.fingerprint.value)
        return
    facts = outcome.scan.facts
    metadata = {
        **stored(video.fingerprint), "sha256": facts.sha256, "source": redacted(video.row.source),
        "path": str(outcome.file.path), "signature": outcome.file.signature,
    }  # fmt: skip
    transaction.put(video_path(video_id), video_bytes(video_id, video.row, facts), metadata)
    transaction.put(scan_path(video_id), scan_bytes(video_id, outcome.scan), stored(video.fingerprint))
    transaction.delete(quarantine_path("videos", video_id))


def stage_refusal(transaction: Transaction, video_id: str, error: HourLakeError, *, fingerprint: str) -> None:
    """Why a video was not taken in; a failure that may pass leaves no trace, so that the next run tries again."""
    if error.passing:
        return
    text = json.dumps(error.as_dict(), sort_keys=True, indent=1) + "\n"
    transaction.put(
        quarantine_path("videos", video_id), text.encode(), {"code": error.code, "fingerprint": fingerprint}
    )
