"""One Dagster step over many segments: skip what is fresh, make the rest, land it in batches, report each once.

keys -> segments -> check against the ledger -> fresh  : reported as cached
                                             -> to do  : work in the pool -> commit a batch -> report the batch
                                             -> failed, blocked : red partitions, nothing else held back
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from hour_lake.assets.events import VERSION_DIGITS, emit, emitted_by, materialization, newest_events, ordering_output
from hour_lake.assets.failure import coded_failures
from hour_lake.assets.partitions import key_of, segments_of
from hour_lake.assets.progress import listener
from hour_lake.assets.project import ProjectResource, branch_of, fence_of
from hour_lake.errors import HourLakeError
from hour_lake.identity import Segment
from hour_lake.ledger.batches import batches
from hour_lake.ledger.check import Check, check_all
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.landing import Landed, Made, current_inputs, stage, upstream_versions
from hour_lake.ledger.project import Project
from hour_lake.ledger.scratch import scratch_folder
from hour_lake.ledger.steps import Step

COMMIT_EVERY_SEGMENTS = 32
COMMIT_EVERY_SECONDS = 10.0
TRIES = 2  # for failures that may pass by themselves (storage, network)
SHOWN_FAILURES = 200


@dataclass(frozen=True)
class Task:
    """One segment of a step, with the names of what is to be made of it."""

    segment: Segment
    wanted: tuple[str, ...]


# Yields every task once, in any order, with what was made of it; files may lie in the scratch folder.
Work = Callable[[Project, Sequence[Task], Ledger, Path], Iterator[tuple[Task, Made]]]


def run_batch(
    context: dg.AssetExecutionContext, resource: ProjectResource, steps: Sequence[str], work: Work
) -> Iterator[Any]:
    """Run the steps (in dependency order) over the segments of this run; yields Dagster events and outputs.

    Ends with `dg.Failure` when segments failed or are blocked: their partitions turn red, all others are green.
    """
    with coded_failures():
        opened = resource.get()
        branch = branch_of(context, opened)
        project = opened.at(branch)
        batch = _Batch(context, project, branch, [project.steps[name] for name in steps], refresh=resource.refresh)
        yield from batch.settled()
        tasks = tasks_of(batch.checks)
        with scratch_folder(project.settings.home) as scratch:
            for _ in range(TRIES):
                results = work(project, tasks, batch.ledger, scratch)
                for made in batches(results, most=COMMIT_EVERY_SEGMENTS, seconds=COMMIT_EVERY_SECONDS):
                    yield from batch.land(made)
                tasks = batch.to_try_again()
                if not tasks:
                    break
        batch.finish()
        for name in steps:
            yield ordering_output(name)
        batch.raise_for_failures()


def tasks_of(checks: Sequence[Check]) -> list[Task]:
    """What is to be made, one task a segment, the longest first: so all workers end at about the same time."""
    wanted: dict[Segment, list[str]] = {}
    for c in checks:
        if c.to_do:
            wanted.setdefault(c.segment, []).append(c.step.name)
    longest_first = sorted(wanted.items(), key=lambda item: -item[0].frames)
    return [Task(segment, tuple(names)) for segment, names in longest_first]


class _Batch:
    def __init__(
        self, context: dg.AssetExecutionContext, project: Project, branch: str, steps: Sequence[Step], *, refresh: bool
    ) -> None:
        self.context, self.project, self.branch, self.steps = context, project, branch, steps
        self.what = ", ".join(step.name for step in steps)
        self.levels = levels_of(steps)
        keys = context.partition_keys  # every access reads all partitions again: once only
        segments = segments_of(keys)
        self.ledger = Ledger(project.lake, project.lake.resolve(self.branch))
        self.checks = list(check_all(steps, segments, self.ledger, refresh=refresh))
        self.red: dict[tuple[str, str], str] = {}
        self.passing: dict[tuple[str, str], Segment] = {}
        self.reported = self._reported_before(keys)
        self.started = time.monotonic()
        listener().started(self.what, len(self.checks))

    def settled(self) -> Iterator[Any]:
        """Report what needs no work. A cached segment is reported anew, or a run that fails elsewhere turns it red."""
        fresh = [c for c in self.checks if c.state == "fresh"]
        yield from self._report([self._as_landed(c) for c in fresh], cached=True)
        red = [c for c in self.checks if c.state in ("failed", "blocked")]
        self.red |= {(c.step.name, c.segment.id): f"{c.state}: {c.why}" for c in red}
        listener().advanced(self.what, skipped=len(fresh), failed=len(red))

    def land(self, made: Sequence[tuple[Task, Made]]) -> Iterator[Any]:
        """Commit one batch of results, then report it: an event always means that the lake has the object."""
        metadata = {"run_id": self.context.run_id, "assets": self.what, "segments": str(len(made))}
        message = f"{self.what}: {len(made)} segments"
        fence = fence_of(self.context)
        landed: list[Landed] = []
        with self.project.lake.transaction(self.branch, metadata, message=message, fence=fence) as transaction:
            for task, products in made:
                landed += stage(transaction, self.steps, task.segment, products, self.ledger)
        failures = [
            (task, n, p) for task, products in made for n, p in products.items() if isinstance(p, HourLakeError)
        ]
        for step in landed:
            self.red.pop((step.step.name, step.segment.id), None)
        for task, name, error in failures:
            self.red[name, task.segment.id] = str(error)
            if error.passing:
                self.passing[name, task.segment.id] = task.segment
        listener().advanced(self.what, done=len(landed), failed=len(failures))
        yield from self._report(landed, cached=False)

    def to_try_again(self) -> list[Task]:
        """Tasks whose failure may pass, once each."""
        wanted: dict[Segment, list[str]] = {}
        for (name, _), segment in self.passing.items():
            wanted.setdefault(segment, []).append(name)
        self.passing = {}
        self.ledger = Ledger(self.project.lake, self.project.lake.resolve(self.branch))
        return [Task(segment, tuple(names)) for segment, names in wanted.items()]

    def finish(self) -> None:
        """Tell how long it took."""
        listener().finished(self.what, time.monotonic() - self.started)

    def raise_for_failures(self) -> None:
        """Red for the keys that have no event of this run, with a table of the reasons."""
        if not self.red:
            return
        records = [dg.TableRecord({"asset": a, "segment": s, "error": e}) for (a, s), e in self.red.items()]
        raise dg.Failure(
            f"{len(self.red)} of {len(self.checks)} outputs failed or are blocked; the others are done",
            metadata={"failed": dg.MetadataValue.table(records[:SHOWN_FAILURES]), "count": len(self.red)},
            allow_retries=False,
        )

    def _report(self, landed: Sequence[Landed], *, cached: bool) -> Iterator[Any]:
        """A batch of events for each level of the steps: events point to those of the levels before them."""
        left = [x for x in landed if key_of(x.segment) not in self.reported[x.step.name]]
        for names in self.levels:
            of_level = [x for x in left if x.step.name in names]
            if not of_level:
                continue
            keys = list(dict.fromkeys(key_of(x.segment) for x in of_level))
            upstream = {u for x in of_level for u in x.step.upstream if u != "segment_plan"}
            pointers = newest_events(self.context.instance, sorted(upstream), keys)
            yield from emit(self.context, [_event(x, pointers, cached=cached) for x in of_level])

    def _as_landed(self, found: Check) -> Landed:
        assert found.fingerprint is not None  # a fresh check has one
        upstream = upstream_versions(found.step, current_inputs(found.step, found.segment, self.ledger))
        return Landed(found.step, found.segment, found.fingerprint, upstream, {})

    def _reported_before(self, keys: Sequence[str]) -> Mapping[str, set[str]]:
        """Keys that an earlier try of this step has reported, by asset."""
        if not self.context.retry_number:
            return {step.name: set() for step in self.steps}
        run_id = self.context.run_id
        return {step.name: emitted_by(self.context.instance, run_id, step.name, keys) for step in self.steps}


def levels_of(steps: Sequence[Step]) -> list[set[str]]:
    """Names of the steps, given in dependency order, in groups: each reads only from groups before its own."""
    level: dict[str, int] = {}
    for step in steps:
        level[step.name] = 1 + max((level[u] for u in step.upstream if u in level), default=-1)
    return [{name for name, of in level.items() if of == n} for n in sorted(set(level.values()))]


def _event(landed: Landed, pointers: Mapping[str, Mapping[str, int]], *, cached: bool) -> dg.AssetMaterialization:
    return materialization(
        landed.step.name,
        key_of(landed.segment),
        version=landed.fingerprint.value[:VERSION_DIGITS],
        code_version=landed.step.code_version,
        inputs={asset: version[:VERSION_DIGITS] for asset, version in landed.upstream.items()},
        pointers=pointers,
        metadata={**landed.metadata, "cached": cached},
    )
