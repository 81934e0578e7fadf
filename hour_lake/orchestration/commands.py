"""What `ingest` and `run` do: find out what is to do, run the jobs for it on the instance, tell how it ended."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from hour_lake.assets.partitions import DATASETS, MANIFESTS, SEGMENTS, key_of
from hour_lake.assets.project import BRANCH_TAG
from hour_lake.catalog.compact import is_current
from hour_lake.datasets.publish import pin_spec, read_card
from hour_lake.errors import ConfigError, HourLakeError
from hour_lake.ledger.check import Check
from hour_lake.ledger.corpus import CorpusCheck, corpus_checks
from hour_lake.ledger.flags import FLAGS
from hour_lake.ledger.intake import pin
from hour_lake.ledger.overrides import pin_keywords
from hour_lake.ledger.paths import quarantine_path
from hour_lake.ledger.plans import all_segments
from hour_lake.ledger.project import Project
from hour_lake.ledger.status import Status
from hour_lake.ledger.taken import Refusal, anything_new, taken_in
from hour_lake.orchestration.instance import open_instance
from hour_lake.orchestration.jobs import CATALOG, COMPOSE, ENRICH, INGEST, OVER_ALL
from hour_lake.orchestration.launch import Ended, run_partition, run_range, run_whole
from hour_lake.orchestration.ranges import ranges
from hour_lake.orchestration.selection import selected_assets
from hour_lake.passes.declare import CORPUS


class Failed(NamedTuple):
    """One output that a run did not make."""

    asset: str
    segment: str
    code: str
    why: str


@dataclass(frozen=True)
class Taken:
    """How taking in a manifest ended."""

    manifest: str
    videos: int
    segments: int
    refused: list[Refusal]
    ran: bool

    def sentence(self) -> str:
        """One line."""
        what = (
            f"manifest {self.manifest}: {self.videos} videos in, {len(self.refused)} refused, {self.segments} segments"
        )
        return what if self.ran else f"{what} (nothing changed)"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "refused": [r._asdict() for r in self.refused]}


@dataclass(frozen=True)
class RunEnded:
    """How a selection ended: where it stood before and after, and what was not made."""

    before: Status
    after: Status
    runs: list[str]
    failures: list[Failed]

    @property
    def made(self) -> int:
        """Outputs that are fresh now and were not."""
        return sum(r.fresh for r in self.after.rows) - sum(r.fresh for r in self.before.rows)

    def sentence(self) -> str:
        """One line."""
        if not self.runs:
            return "nothing is stale: nothing ran"
        failed = f", {len(self.failures)} failed or blocked" if self.failures else ""
        return f"{self.made} outputs made in {len(self.runs)} runs{failed}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"made": self.made, "runs": self.runs, "failures": [f._asdict() for f in self.failures]}


def ingest_manifest(file: Path, *, branch: str | None = None) -> Taken:
    """Pin a manifest and run the `ingest` job for it; where nothing in it is new, nothing runs."""
    project = Project.open()
    branch = branch or project.settings.branch
    name, _ = pin(project.lake, branch, file)
    ran = anything_new(project, branch, name)
    if ran:
        assert MANIFESTS.name is not None
        with open_instance(project.settings) as instance:
            instance.add_dynamic_partitions(MANIFESTS.name, [name])
            _succeeded(run_partition(instance, INGEST, name, tags={BRANCH_TAG: branch}))
    videos, segments, refused = taken_in(project, branch, name)
    return Taken(name, videos, segments, refused, ran)


def run_selection(
    selection: str,
    *,
    pattern: str = "*",
    branch: str | None = None,
    refresh: bool = False,
    keywords: Sequence[str] = (),
) -> RunEnded:
    """Make what is to do among some assets and segments, in as few runs as ranges allow; then what looks at all of
    them, the flags of gates that ask it, and the catalog.

    `keywords` (`blink.closed_below=0.75`) are pinned on the branch first, so that everything agrees what holds there.
    """
    project = Project.open()
    branch = branch or project.settings.branch
    selected = selected_assets(selection)
    if keywords:
        pin_keywords(project.lake, branch, keywords, project.layers)
    steps = selected.intersection(project.steps)
    over_all = selected.intersection(layer.name for layer in project.corpus_layers)
    before = Status.of(project, ref=branch, pattern=pattern, assets=steps | over_all)
    wanted = {key_of(c.segment) for c in before.to_do}
    if refresh and steps:
        wanted = {key_of(s) for s in all_segments(project.lake, branch, pattern)}
    ended: list[Ended] = []
    with open_instance(project.settings) as instance:
        if wanted:
            ended += _enrich(instance, project, branch, wanted, sorted(steps), refresh=refresh)
        made = _over_the_corpus(project, branch, over_all, refresh=refresh)
        if made:
            ended.append(run_whole(instance, OVER_ALL, assets=made, tags={BRANCH_TAG: branch}, refresh=refresh))
        if steps.intersection([FLAGS]) and set(made).intersection(project.steps[FLAGS].reads):
            follow = Status.of(project, ref=branch, pattern=pattern, assets={FLAGS})
            ended += _enrich(
                instance, project, branch, {key_of(c.segment) for c in follow.to_do}, [FLAGS], refresh=False
            )
        if "catalog" in selected and (ended or not is_current(project.lake, project.lake.resolve(branch))):
            ended.append(_succeeded(run_whole(instance, CATALOG, assets=["catalog"], tags={BRANCH_TAG: branch})))
    after = Status.of(project, ref=branch, pattern=pattern, assets=steps | over_all) if ended else before
    failures = [_failed(project, after.commit, c) for c in after.open]
    if after.segments:
        failures += [_failed_over_all(project, after.commit, c) for c in after.corpus if c.state != "fresh"]
    told = {failure.code for failure in failures}
    failures += [Failed("run", e.run_id, e.failure.code, e.failure.message) for e in ended
                 if e.failure and e.failure.code not in told]  # fmt: skip
    return RunEnded(before, after, [e.run_id for e in ended], failures)


def _over_the_corpus(project: Project, branch: str, names: set[str], *, refresh: bool) -> list[str]:
    if not names:
        return []
    commit = project.lake.resolve(branch)
    found = corpus_checks(project.at(commit), commit, refresh=refresh)
    return [check.layer.name for check in found if check.to_do and check.layer.name in names]


def compose_dataset(spec: Path, *, branch: str | None = None) -> dict[str, Any]:
    """Pin a specification, run the `compose` job for it, and give the card of the version that came of it."""
    project = Project.open()
    branch = branch or project.settings.branch
    if not spec.is_file():
        raise ConfigError("CONFIG_MISSING", "there is no such specification", value=spec, fix="check the path")
    name = pin_spec(project.lake, branch, spec.read_bytes(), where=str(spec)).name
    assert DATASETS.name is not None
    with open_instance(project.settings) as instance:
        instance.add_dynamic_partitions(DATASETS.name, [name])
        _succeeded(run_partition(instance, COMPOSE, name, tags={BRANCH_TAG: branch}))
    return read_card(project.lake, name)


def _enrich(
    instance: dg.DagsterInstance,
    project: Project,
    branch: str,
    wanted: set[str],
    assets: Sequence[str],
    *,
    refresh: bool,
) -> Iterator[Ended]:
    assert SEGMENTS.name is not None
    instance.add_dynamic_partitions(SEGMENTS.name, [key_of(s) for s in all_segments(project.lake, branch)])
    keys = instance.get_dynamic_partitions(SEGMENTS.name)
    for first, last in ranges(keys, wanted, longest=project.settings.partitions_per_run):
        yield run_range(instance, ENRICH, first, last, assets=assets, tags={BRANCH_TAG: branch}, refresh=refresh)


def _succeeded(ended: Ended) -> Ended:
    if not ended.success:
        raise ended.failure or HourLakeError("RUN_FAILED", "the run failed", where=f"run {ended.run_id}",
                                             fix="open the run in `make dev`")  # fmt: skip
    return ended


def _failed(project: Project, commit: str, check: Check) -> Failed:
    kept = quarantine_path(check.step.name, check.segment)
    return Failed(check.step.name, check.segment.id, *_reason(project, commit, check, kept))


def _failed_over_all(project: Project, commit: str, check: CorpusCheck) -> Failed:
    kept = quarantine_path(check.layer.name, CORPUS)
    return Failed(check.layer.name, CORPUS, *_reason(project, commit, check, kept))


def _reason(project: Project, commit: str, check: Check | CorpusCheck, kept: str) -> tuple[str, str]:
    """Code and words: those in quarantine where it failed, else its state."""
    if check.state != "failed":
        return check.state.upper(), check.why
    return check.why, json.loads(project.lake.read(commit, kept))["message"]
