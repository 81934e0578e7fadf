"""Whether a step of a segment is done, stale, failed or blocked, and why; decided from the ledger alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hour_lake.identity import Segment
from hour_lake.lake.interface import Entry
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.paths import quarantine_path
from hour_lake.ledger.recipe import difference, recipe
from hour_lake.ledger.steps import Step
from hour_lake.passes.fingerprint import Fingerprint

# fresh: same recipe as what is stored.   missing/stale: to be made.   failed: would fail again, nothing changed.
# blocked: an input is missing.
State = Literal["fresh", "missing", "stale", "failed", "blocked"]


@dataclass(frozen=True)
class Check:
    """What the ledger says about one step of one segment."""

    step: Step
    segment: Segment
    state: State
    why: str
    fingerprint: Fingerprint | None = None

    @property
    def to_do(self) -> bool:
        """Whether a run would work on it."""
        return self.state in ("missing", "stale")


def input_digests(step: Step, segment: Segment, ledger: Ledger) -> dict[str, str | None]:
    """Digest of each input by name, None where there is none. A video counts by its content, not by its facts."""
    digests: dict[str, str | None] = {}
    for read in step.reads:
        entry = ledger.entry(step.input_path(read, segment))
        digests[read] = None if entry is None else entry.metadata["sha256"] if read == "video" else entry.digest
    return digests


def check(step: Step, segment: Segment, ledger: Ledger, *, refresh: bool = False) -> Check:
    """The state of one step of one segment at the ledger's commit."""
    inputs = input_digests(step, segment, ledger)
    missing = [name for name, digest in inputs.items() if digest is None]
    if missing and step.needs_all:
        return Check(step, segment, "blocked", f"its input {missing[0]} is missing")
    now = recipe(step.parts, inputs)
    failure = ledger.entry(quarantine_path(step.name, segment))
    return Check(step, segment, *judged(ledger.entry(step.path(segment)), failure, now, refresh=refresh), now)


def judged(entry: Entry | None, failure: Entry | None, now: Fingerprint, *, refresh: bool) -> tuple[State, str]:
    """State and reason of an output whose inputs are there, from what is stored of it and of its last failure."""
    if failure is not None and failure.metadata.get("fingerprint") == now.value and not refresh:
        return "failed", failure.metadata.get("code", "UNKNOWN")
    if entry is None:
        return "missing", "never made" if failure is None else "something changed since it failed"
    if entry.metadata.get("fingerprint") != now.value:
        return "stale", difference(entry, now)
    return ("stale", "refresh was asked for") if refresh else ("fresh", "")


def check_all(
    steps: Sequence[Step], segments: Iterable[Segment], ledger: Ledger, *, refresh: bool = False
) -> Iterator[Check]:
    """Checks in the order given, with what follows from them: what reads a step that will run will run too.

    `steps` must be in dependency order. A step whose input is to be made in this very pass is `stale`
    ("its input ... is made anew"); one that reads a step which failed or is blocked is `blocked`.
    """
    for segment in segments:
        states: dict[str, State] = {}
        for step in steps:
            found = _following(check(step, segment, ledger, refresh=refresh), states)
            states[step.name] = found.state
            yield found


def _following(found: Check, states: Mapping[str, State]) -> Check:
    if not found.step.needs_all:
        anew = [name for name in found.step.upstream if states.get(name) in ("missing", "stale")]
        return Check(found.step, found.segment, "stale", f"its input {anew[0]} is made anew", found.fingerprint) if (
            anew and not found.to_do) else found  # fmt: skip
    for name in found.step.upstream:
        if states.get(name) in ("failed", "blocked"):
            return Check(found.step, found.segment, "blocked", f"its input {name} {states[name]}")
    for name in found.step.upstream:
        if states.get(name) in ("missing", "stale") and found.state != "missing":
            state: State = "missing" if found.state == "blocked" else "stale"
            return Check(found.step, found.segment, state, f"its input {name} is made anew", found.fingerprint)
    return found
