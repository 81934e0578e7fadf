"""A merge under limits: made on a branch aside, compared with the target, and only then made on the target itself.

What a merge changes is not what `diff TARGET SOURCE` shows once both have moved: what the target gained since they
parted would look lost. So the merge is tried, and its result is what the limits are about. Source and target are pinned
to their commits; if the target moves between the trial and the merge, CONFLICT is the answer and nothing is merged.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from hour_lake.catalog.gates import Gate
from hour_lake.comparison.answer import Comparison
from hour_lake.comparison.compare import compare
from hour_lake.comparison.limits import Limit, Measured, known_names, measure, parse_limit
from hour_lake.comparison.members import Versions, tagged_datasets
from hour_lake.errors import LakeError
from hour_lake.lake.interface import Lake
from hour_lake.lake.names import near
from hour_lake.passes.declare import Layer

State = Literal["merged", "up to date", "dry run", "refused"]
DERIVED = ("tables/",)  # made again by `catalog`, from what was merged


@dataclass(frozen=True)
class Merged:
    """What came of a merge. `commit` is the target's head afterwards; `state` says how it got there."""

    source: str
    into: str
    state: State
    commit: str
    limits: Sequence[Measured]
    comparison: Comparison | None  # of the target before and after; None where nothing was compared

    def check(self) -> None:
        """MERGE_REFUSED with the numbers beside the limits when one does not hold."""
        broken = [each.sentence() for each in self.limits if not each.holds]
        if broken:
            raise LakeError(
                "MERGE_REFUSED",
                f"{len(broken)} of {len(self.limits)} limits do not hold: " + "; ".join(broken),
                value=self.source,
                where=self.into,
                fix="look at `hour-lake merge --dry-run`, then mend the branch or raise the limit",
            )

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def merge_within(
    lake: Lake,
    source: str,
    into: str,
    *,
    limits: Sequence[str] = (),
    dry_run: bool = False,
    layers: Mapping[str, Layer],
    gates: Sequence[Gate],
) -> Merged:
    """Merge if every limit holds; a refusal leaves the target as it was, and so does a dry run.

    MERGE_CONFLICT, CONFLICT when the target moved meanwhile, LIMIT_SYNTAX, LIMIT_UNKNOWN, REF_NOT_FOUND.
    """
    _check_branch(lake, into)
    parsed = _parsed(lake, limits, layers, gates)
    with lake.pinned(source) as commit, lake.pinned(into) as target:
        asked = _Asked(lake, source, into, commit, target)
        if not parsed and not dry_run:
            return asked.done((), None)
        versions = "all" if any("@" in limit.name for limit in parsed) else "newest"
        comparison = asked.tried(layers, gates, versions)
        if comparison is None:
            return Merged(source, into, "up to date", target, (), None)
        measured = [measure(limit, comparison) for limit in parsed]
        if not all(each.holds for each in measured):
            return Merged(source, into, "refused", target, measured, comparison)
        if dry_run:
            return Merged(source, into, "dry run", target, measured, comparison)
        return asked.done(measured, comparison)


@dataclass(frozen=True)
class _Asked:
    """One merge that is asked for; `commit` and `target` are what source and target were then."""

    lake: Lake
    source: str
    into: str
    commit: str
    target: str

    def tried(self, layers: Mapping[str, Layer], gates: Sequence[Gate], versions: Versions) -> Comparison | None:
        """The target before and after, on a branch of its own that is gone afterwards; None if nothing is to merge."""
        name = f"_trial-{uuid.uuid4().hex[:12]}"
        self.lake.create_branch(name, self.target)
        try:
            tried = self.lake.merge(self.commit, name, message="a merge that is tried", leave=DERIVED)
            if tried == self.target:
                return None
            found = compare(self.lake, self.target, tried, layers=layers, gates=gates, versions=versions)
        finally:
            self.lake.delete_branch(name)
        before, after = (
            replace(found.before, ref=self.into),
            replace(found.after, ref=f"{self.into} with {self.source}"),
        )
        return replace(found, before=before, after=after)

    def done(self, measured: Sequence[Measured], comparison: Comparison | None) -> Merged:
        """Merged; what was measured goes into the commit, and holds for no other target than the one it was about."""

        def fence() -> None:
            now = self.lake.resolve(self.into)
            if measured and now != self.target:
                raise LakeError(
                    "CONFLICT",
                    f"{self.into} moved from {self.target[:12]} to {now[:12]} since the limits were measured",
                    value=self.into,
                    fix="merge again: the limits are measured on what is there now",
                )

        told = {"limits": "; ".join(each.sentence() for each in measured)} if measured else {}
        landed = self.lake.merge(
            self.commit,
            self.into,
            metadata={"assets": "merge", "source": self.source, **told},
            message=f"merge {self.source} into {self.into}",
            fence=fence,
            leave=DERIVED,
        )
        state = "up to date" if landed == self.target else "merged"
        return Merged(self.source, self.into, state, landed, measured, comparison)


def _parsed(
    lake: Lake, limits: Sequence[str], layers: Mapping[str, Layer], gates: Sequence[Gate]
) -> list[Limit]:  # fmt: skip
    if not limits:
        return []
    known = known_names(layers, gates, [each.dataset for each in tagged_datasets(lake, "all")])
    return [parse_limit(limit, known) for limit in limits]


def _check_branch(lake: Lake, into: str) -> None:
    if into not in lake.branches():
        raise LakeError("REF_NOT_FOUND", "a merge goes into a branch, and there is none of this name", value=into,
                        fix=near(into, lake.branches()))  # fmt: skip
