"""What starts runs by itself: a manifest that is new or changed, segments just planned, what was left behind."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from hour_lake.assets.partitions import MANIFESTS, SEGMENTS, key_of
from hour_lake.assets.project import BRANCH_TAG
from hour_lake.catalog.compact import is_current
from hour_lake.errors import HourLakeError
from hour_lake.ledger.corpus import corpus_checks
from hour_lake.ledger.flags import FLAGS, flags_behind
from hour_lake.ledger.intake import pin, read_pinned
from hour_lake.ledger.paths import manifest_path, manifest_source_path
from hour_lake.ledger.plans import segments_of_videos
from hour_lake.ledger.project import Project
from hour_lake.manifests.watch import watched
from hour_lake.orchestration.jobs import CATALOG, ENRICH, INGEST, OVER_ALL
from hour_lake.orchestration.ranges import ranges

LOOK_EVERY_SECONDS = 20
ONLY_FLAGS = [dg.AssetKey(FLAGS)]
NOTHING_CHANGED = dg.SkipReason("nothing changed")
Answer = TypeVar("Answer", dg.RunRequest, dg.SensorResult)


def sensors(jobs: Mapping[str, UnresolvedAssetJobDefinition], *, partitions_per_run: int) -> list[dg.SensorDefinition]:
    """All sensors, running as soon as the code location is loaded."""
    found = [new_manifests(), planned_segments(jobs, partitions_per_run), stale_catalog()]
    return [*found, stale_corpus(), stale_flags(partitions_per_run)] if OVER_ALL in jobs else found


def new_manifests() -> dg.SensorDefinition:
    """Watches the folder `manifests` of the settings."""

    @dg.sensor(
        job_name=INGEST, minimum_interval_seconds=LOOK_EVERY_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING,
        description="A new or changed file in the manifests folder becomes a partition and is taken in.",
    )  # fmt: skip
    def watch_manifests(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        project = Project.open()
        seen: dict[str, list[float]] = json.loads(context.cursor or "{}")
        found = watched(project.settings.manifests)
        for error in found.refused:
            context.log.error(str(error))
        now = {str(file): _stamp(file) for file in found.files.values()}
        requests = [
            request for file, stamp in now.items() if seen.get(file) != stamp
            if (request := _take_in(context.instance, project, Path(file)))
        ]  # fmt: skip
        return dg.SensorResult(run_requests=requests, cursor=json.dumps(now))

    return watch_manifests


def _stamp(file: Path) -> list[float]:
    about = file.stat()
    return [about.st_size, about.st_mtime]


def _take_in(instance: dg.DagsterInstance, project: Project, file: Path) -> dg.RunRequest | None:
    """Pin the file; a run for it unless this very content has been taken in."""
    name, _ = pin(project.lake, project.settings.branch, file)
    pinned = project.lake.entry(project.settings.branch, manifest_source_path(name))
    known = project.lake.entry(project.settings.branch, manifest_path(name))
    if pinned is None or (known is not None and known.metadata.get("source_sha256") == pinned.digest):
        return None
    assert MANIFESTS.name is not None
    instance.add_dynamic_partitions(MANIFESTS.name, [name])
    return dg.RunRequest(run_key=f"{name}:{pinned.digest}", tags={PARTITION_NAME_TAG: name})


def planned_segments(jobs: Mapping[str, UnresolvedAssetJobDefinition], partitions_per_run: int) -> dg.SensorDefinition:
    """Follows each ingest run."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS, monitored_jobs=[jobs[INGEST]], request_job=jobs[ENRICH],
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING, name="enrich_planned_segments",
        description="Segments that an ingest run planned and that have no flags yet are enriched.",
    )  # fmt: skip
    def enrich_planned_segments(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest]:
        run = context.dagster_run
        project = Project.open()
        branch = run.tags.get(BRANCH_TAG, project.settings.branch)
        wanted = _without_flags(project, branch, run.tags[PARTITION_NAME_TAG])
        for first, last in _ranges(context.instance, wanted, partitions_per_run):
            yield dg.RunRequest(run_key=f"{run.run_id}:{first}", tags={**_bounds(first, last), BRANCH_TAG: branch})

    return enrich_planned_segments


def _without_flags(project: Project, branch: str, manifest: str) -> set[str]:
    pinned = read_pinned(project.lake, branch, manifest, project.settings)
    segments = segments_of_videos(project.lake, branch, [row.video_id for row in pinned.manifest.rows])
    flags = project.steps[FLAGS]
    return {key_of(s) for s in segments if project.lake.entry(branch, flags.path(s)) is None}


def stale_corpus() -> dg.SensorDefinition:
    """Watches what the layers over the whole corpus read."""

    @dg.sensor(
        job_name=OVER_ALL, minimum_interval_seconds=3 * LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="When segments have other tables and no run is at work, layers over the whole corpus look again.",
    )  # fmt: skip
    def enrich_stale_corpus(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        def look(project: Project, commit: str) -> dg.SensorResult | dg.SkipReason:
            if commit == context.cursor:
                return NOTHING_CHANGED
            stale = [check.layer.name for check in corpus_checks(project.at(commit), commit) if check.to_do]
            keys = [dg.AssetKey(name) for name in stale]
            asked = [dg.RunRequest(run_key=f"{OVER_ALL}:{commit}", asset_selection=keys)] if stale else []
            return dg.SensorResult(run_requests=asked, cursor=commit)

        return _when_idle(context.instance, look)

    return enrich_stale_corpus


def stale_flags(partitions_per_run: int) -> dg.SensorDefinition:
    """Watches the rows of layers over the whole corpus that gates ask."""

    @dg.sensor(
        job_name=ENRICH, minimum_interval_seconds=3 * LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="When a layer over the whole corpus has other rows and a gate asks it, those segments are judged "
        "again.",
    )  # fmt: skip
    def judge_stale_flags(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        def look(project: Project, commit: str) -> dg.SensorResult | dg.SkipReason:
            if commit == context.cursor:
                return NOTHING_CHANGED
            wanted = {key_of(segment) for segment in flags_behind(project.at(commit), commit)}
            asked = [
                dg.RunRequest(
                    run_key=f"{FLAGS}:{commit}:{first}", tags=_bounds(first, last), asset_selection=ONLY_FLAGS
                )
                for first, last in _ranges(context.instance, wanted, partitions_per_run)
            ]
            return dg.SensorResult(run_requests=asked, cursor=commit)

        return _when_idle(context.instance, look)

    return judge_stale_flags


def _ranges(instance: dg.DagsterInstance, wanted: Collection[str], longest: int) -> Iterator[tuple[str, str]]:
    assert SEGMENTS.name is not None
    return ranges(instance.get_dynamic_partitions(SEGMENTS.name), wanted, longest=longest) if wanted else iter(())


def _bounds(first: str, last: str) -> dict[str, str]:
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def stale_catalog() -> dg.SensorDefinition:
    """Watches the lake's branch."""

    @dg.sensor(
        job_name=CATALOG, minimum_interval_seconds=3 * LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="When layers changed since the catalog was written and no run is at work, it is written again.",
    )  # fmt: skip
    def refresh_stale_catalog(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        def look(project: Project, commit: str) -> dg.RunRequest | dg.SkipReason:
            return NOTHING_CHANGED if is_current(project.lake, commit) else dg.RunRequest(run_key=commit)

        return _when_idle(context.instance, look)

    return refresh_stale_catalog


def _when_idle(
    instance: dg.DagsterInstance, look: Callable[[Project, str], Answer | dg.SkipReason]
) -> Answer | dg.SkipReason:
    """What `look` finds at the head of the settings' branch; nothing while a run is at work, which may change it."""
    at_work = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED])
    if instance.get_run_records(at_work, limit=1):
        return dg.SkipReason("a run is at work")
    try:
        project = Project.open()
        return look(project, project.lake.resolve(project.settings.branch))
    except HourLakeError as error:
        return dg.SkipReason(str(error))
