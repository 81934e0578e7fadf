"""Layers over the whole corpus, as the ledger sees them: whether one is fresh, and staging what came of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from hour_lake.catalog.lists import told
from hour_lake.catalog.sources import layer_source
from hour_lake.errors import HourLakeError
from hour_lake.identity import parse_segment_id
from hour_lake.lake.interface import Lake, Transaction
from hour_lake.ledger import paths
from hour_lake.ledger.check import State, judged
from hour_lake.ledger.landing import keep_failure
from hour_lake.ledger.project import Project
from hour_lake.ledger.recipe import recipe, stored
from hour_lake.passes.corpus import CorpusOutcome
from hour_lake.passes.declare import CORPUS, Layer
from hour_lake.passes.fingerprint import Fingerprint


@dataclass(frozen=True)
class CorpusCheck:
    """What the ledger says about one layer over the corpus."""

    layer: Layer
    state: State
    why: str
    fingerprint: Fingerprint

    @property
    def to_do(self) -> bool:
        """Whether a run would make it."""
        return self.state in ("missing", "stale")


def corpus_inputs(lake: Lake, commit: str, layer: Layer) -> dict[str, str | None]:
    """What it reads -> one digest over the tables of all segments; None where there is none."""
    return {read: _together(lake, commit, f"layers/{read}/") for read in layer.reads}


def corpus_check(project: Project, layer: Layer, commit: str, *, refresh: bool = False) -> CorpusCheck:
    """Its state at a commit of a project that is `at` that commit."""
    lake = project.lake
    inputs = corpus_inputs(lake, commit, layer)
    now = recipe(project.parts_of(layer), inputs)
    missing = [read for read, found in inputs.items() if found is None]
    if missing:
        return CorpusCheck(layer, "blocked", f"no segment has {missing[0]}", now)
    entry = lake.entry(commit, paths.corpus_path(layer.name))
    failure = lake.entry(commit, paths.quarantine_path(layer.name, CORPUS))
    return CorpusCheck(layer, *judged(entry, failure, now, refresh=refresh), now)


def corpus_checks(project: Project, commit: str, *, refresh: bool = False) -> list[CorpusCheck]:
    """All of them."""
    return [corpus_check(project, layer, commit, refresh=refresh) for layer in project.corpus_layers]


def stage_corpus(
    transaction: Transaction, lake: Lake, commit: str, check: CorpusCheck, outcome: CorpusOutcome
) -> Mapping[str, int]:
    """Stage the rows of the segments that have others now, and remove those of segments that have none any more.

    A segment whose rows are the same keeps its entry, so a new video does not touch the facts of all others.
    """
    name = check.layer.name
    before = {entry.path: entry.digest for entry in lake.entries(commit, f"layers/{name}/")}
    after = {paths.layer_path(name, parse_segment_id(segment)): data for segment, data in outcome.files.items()}
    changed = {path: data for path, data in after.items() if before.get(path) != hashlib.sha256(data).hexdigest()}
    lists = told(layer_source(check.layer).lists)
    for path, data in changed.items():
        transaction.put(path, data, lists)
    gone = sorted(before.keys() - after.keys())
    for path in gone:
        transaction.delete(path)
    counts = {"segments": len(after), "rows": outcome.rows, **{f"distinct {c}": n for c, n in outcome.distinct.items()}}
    text = json.dumps(counts, sort_keys=True, indent=1) + "\n"
    transaction.put(paths.corpus_path(name), text.encode(), stored(check.fingerprint))
    if lake.entry(commit, paths.quarantine_path(name, CORPUS)):
        transaction.delete(paths.quarantine_path(name, CORPUS))
    return {**counts, "segments_changed": len(changed), "segments_gone": len(gone)}


def stage_corpus_failure(transaction: Transaction, check: CorpusCheck, error: HourLakeError) -> None:
    """Keep a failure that would repeat; what was made before stays and is told as stale."""
    keep_failure(transaction, paths.quarantine_path(check.layer.name, CORPUS), error, check.fingerprint)


def _together(lake: Lake, commit: str, prefix: str) -> str | None:
    lines = [
        f"{entry.path} {entry.digest}\n" for entry in lake.entries(commit, prefix) if entry.path.endswith(".parquet")
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else None
