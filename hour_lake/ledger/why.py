"""Why one output of one segment is fresh or not, and what would make it run: in words, from the ledger alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from hour_lake.errors import LakeError, LayerError
from hour_lake.identity import Segment
from hour_lake.ledger.check import Check, State, check_all, input_digests
from hour_lake.ledger.corpus import CorpusCheck, corpus_check, corpus_inputs
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.paths import quarantine_path
from hour_lake.ledger.plans import all_segments
from hour_lake.ledger.project import Project
from hour_lake.ledger.steps import Step
from hour_lake.passes.declare import CORPUS

SENTENCES: Mapping[State, str] = {
    "fresh": "fresh: nothing that it is made from has changed, so a run leaves it alone",
    "missing": "missing: {why}; the next run makes it",
    "stale": "stale: {why}; the next run makes it anew",
    "failed": "failed with {why}; not tried again until something below changes",
    "blocked": "blocked: {why}; it runs when that is there",
}
SHORT = 12


@dataclass(frozen=True)
class Dependency:
    """Something that an output is made from: `kind` is code, configuration, weights or input."""

    kind: str
    name: str
    now: str


@dataclass(frozen=True)
class Why:
    """The answer for one output. `depends_on`: what would make it run if it changed."""

    asset: str
    segment: str
    commit: str
    state: State
    sentence: str
    error: Mapping[str, str | None] | None
    depends_on: Sequence[Dependency]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def why(project: Project, segment_id: str, asset: str, *, ref: str | None = None) -> Why:
    """The state of one output at a ref. SEGMENT_UNKNOWN, LAYER_UNKNOWN: with the nearest names there are."""
    commit = project.lake.resolve(ref or project.settings.branch)
    project = project.at(commit)
    segment = _segment(project, commit, segment_id)
    over_all = next((layer for layer in project.corpus_layers if layer.name == asset), None)
    if over_all is not None:
        return _why_over_all(project, commit, segment, corpus_check(project, over_all, commit))
    step = _step(project, asset)
    ledger = Ledger(project.lake, commit)
    checks = {found.step.name: found for found in check_all(list(project.steps.values()), [segment], ledger)}
    found = checks[step.name]
    return Why(step.name, segment.id, commit, found.state, SENTENCES[found.state].format(why=found.why),
               _kept_error(ledger, found), _depends_on(step, segment, ledger, checks))  # fmt: skip


def _step(project: Project, asset: str) -> Step:
    if asset in project.steps:
        return project.steps[asset]
    known = [*project.steps, *(layer.name for layer in project.corpus_layers)]
    near = get_close_matches(asset, known, n=3, cutoff=0.5) or sorted(known)
    raise LayerError("LAYER_UNKNOWN", "no asset of the segments has that name", value=asset,
                     fix=f"one of: {', '.join(near)}")  # fmt: skip


def _segment(project: Project, commit: str, segment_id: str) -> Segment:
    known = {segment.id: segment for segment in all_segments(project.lake, commit)}
    if segment_id in known:
        return known[segment_id]
    near = get_close_matches(segment_id, known, n=3, cutoff=0.5)
    fix = f"one of: {', '.join(near)}" if near else "see `hour-lake sql 'select segment_id from segments'`"
    raise LakeError("SEGMENT_UNKNOWN", "no such segment is planned", value=segment_id, where=commit[:SHORT], fix=fix)


def _kept_error(ledger: Ledger, found: Check) -> Mapping[str, str | None] | None:
    """What is in quarantine, when that is why it does not run."""
    if found.state != "failed":
        return None
    return json.loads(ledger.lake.read(ledger.commit, quarantine_path(found.step.name, found.segment)))


def _depends_on(step: Step, segment: Segment, ledger: Ledger, checks: Mapping[str, Check]) -> list[Dependency]:
    found = _own_parts(step.parts)
    for read, digest in input_digests(step, segment, ledger).items():
        upstream = checks.get(step.writer(read))
        state = f" ({upstream.state})" if upstream and upstream.state != "fresh" else ""
        found.append(Dependency("input", read, (digest[:SHORT] if digest else "not there") + state))
    return found


def _why_over_all(project: Project, commit: str, segment: Segment, found: CorpusCheck) -> Why:
    """The same answer for every segment: it is made of all of them."""
    name = found.layer.name
    error = None
    if found.state == "failed":
        error = json.loads(project.lake.read(commit, quarantine_path(name, CORPUS)))
    inputs = corpus_inputs(project.lake, commit, found.layer).items()
    depends_on = [
        *_own_parts(project.parts_of(found.layer)),
        *(Dependency("input", f"{read} of all segments", d[:SHORT] if d else "not there") for read, d in inputs),
    ]
    sentence = SENTENCES[found.state].format(why=found.why)
    return Why(name, segment.id, commit, found.state, sentence, error, depends_on)


def _own_parts(parts: Mapping[str, str]) -> list[Dependency]:
    kinds = {"source": "code", "config": "configuration", "model": "weights"}
    named = [(kinds[kind], name, value) for part, value in parts.items() for kind, _, name in [part.partition(":")]]
    return [Dependency(kind, name, value if kind == "configuration" else value[:SHORT]) for kind, name, value in named]
