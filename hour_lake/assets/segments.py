"""The `segments` and `audio` assets: exact clips of the raw videos, and their sound."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from hour_lake.assets.batch import Task, run_batch
from hour_lake.assets.failure import retry_of_pods
from hour_lake.assets.fetch import Fetch
from hour_lake.assets.partitions import SEGMENTS
from hour_lake.assets.project import ProjectResource
from hour_lake.errors import HourLakeError
from hour_lake.ledger import paths
from hour_lake.ledger.cutting import CutTask, SoundTask, cut_task, sound_task
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.landing import Made, Product
from hour_lake.ledger.project import Project


def segment_assets(policy: dg.BackfillPolicy) -> list[dg.AssetsDefinition]:
    """Both assets, under the backfill policy that all segment assets share."""

    @dg.asset(
        partitions_def=SEGMENTS, backfill_policy=policy, group_name="segments", kinds={"ffmpeg", "mp4"},
        deps=[dg.AssetDep("segment_plan", partition_mapping=dg.AllPartitionMapping())],
        retry_policy=retry_of_pods(),
    )  # fmt: skip
    def segments(context: dg.AssetExecutionContext, project: ProjectResource) -> Iterator[Any]:
        """The clip of a segment: H.264, constant 25 fps, cut to the frame; its 48 kHz sound is lossless, to the sample.

        frames = duration x 25 and samples = duration x 48,000, exactly, counted after writing.
        """
        yield from run_batch(context, project, ["segments"], _cut)

    @dg.asset(
        partitions_def=SEGMENTS, backfill_policy=policy, group_name="audio", kinds={"wav", "flac"}, deps=["segments"],
        retry_policy=retry_of_pods(),
    )  # fmt: skip
    def audio(context: dg.AssetExecutionContext, project: ProjectResource) -> Iterator[Any]:
        """The sound of a segment: 16 kHz mono for models and the 48 kHz master, both exactly as long as the clip."""
        yield from run_batch(context, project, ["audio"], _sound)

    return [segments, audio]


def _cut(project: Project, tasks: Sequence[Task], ledger: Ledger, scratch: Path) -> Iterator[tuple[Task, Made]]:
    by_segment = {task.segment.id: task for task in tasks}
    jobs = [_cut_task(project, task, ledger, scratch) for task in tasks]
    limit = project.settings.segment_seconds_limit
    for job, outcome in project.workers.map(cut_task, jobs, seconds=limit):
        if not isinstance(outcome, HourLakeError):
            outcome = Product({paths.clip_path(job.segment): Path(job.destination)}, outcome.shown())
        yield by_segment[job.segment.id], {"segments": outcome}


def _cut_task(project: Project, task: Task, ledger: Ledger, scratch: Path) -> CutTask:
    video = ledger.entry(paths.video_path(task.segment.video_id))
    assert video is not None  # the check has seen it
    destination = scratch / f"{task.segment.id}.mp4"
    return CutTask(
        task.segment, video.metadata["path"], video.metadata["signature"], str(destination), project.settings.limits
    )


def _sound(project: Project, tasks: Sequence[Task], ledger: Ledger, scratch: Path) -> Iterator[tuple[Task, Made]]:
    by_samples = {f"{scratch / task.segment.id}.wav": task for task in tasks}
    fetch = Fetch(lambda task: _sound_task(project, task, ledger, scratch), project.fetches_at_once)
    limit = project.settings.segment_seconds_limit
    for job, outcome in project.workers.map(sound_task, fetch(tasks), seconds=limit):
        task = by_samples[job.samples]
        if not isinstance(outcome, HourLakeError):
            files = {
                paths.samples_path(task.segment): Path(job.samples),
                paths.master_path(task.segment): Path(job.master),
            }
            outcome = Product(files, outcome.shown())
        yield task, {"audio": outcome}
    yield from fetch.failed()


def _sound_task(project: Project, task: Task, ledger: Ledger, scratch: Path) -> SoundTask:
    clip = ledger.entry(paths.clip_path(task.segment))
    assert clip is not None  # the check has seen it
    stem = scratch / task.segment.id
    return SoundTask(str(project.lake.local_file(ledger.commit, clip)), f"{stem}.wav", f"{stem}.flac")
