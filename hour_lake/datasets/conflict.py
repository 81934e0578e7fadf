"""Why a specification cannot be met: a smallest set of demands that exclude each other, and by how much."""

import numpy as np

from hour_lake.datasets.choose import Chooser
from hour_lake.datasets.rules import Rule
from hour_lake.errors import DatasetError


def conflict_of(chooser: Chooser) -> DatasetError:
    """DATASET_INFEASIBLE. Its message has a line for each demand in the way: what it wants, what the others allow.

    The set is found by leaving demands out one by one (a deletion filter): whatever can go while the rest still cannot
    be met is not in the way; without any one of those that remain, the rest could be met.
    """
    candidates = chooser.candidates
    if candidates.count == 0:
        out = ", ".join(f"{number} without {why}" for why, number in sorted(candidates.left_out.items()))
        return DatasetError("DATASET_INFEASIBLE", "there is no candidate: `where` picks nothing that can be delivered",
                            value=out or None, where=f"{chooser.spec.name}: {chooser.spec.where}",
                            fix="widen `where`, or run the layers that are missing")  # fmt: skip
    needed = _smallest(chooser)
    lines = [_in_the_way(chooser, name, needed) for name in needed]
    what = "this demand cannot" if len(needed) == 1 else f"these {len(needed)} demands cannot hold together and"
    return DatasetError(
        "DATASET_INFEASIBLE", f"{what} be met by the {candidates.count} candidates:\n" + "\n".join(lines),
        value=", ".join(needed), where=chooser.spec.name,
        fix="relax one of them as far as its line says, or widen `where`",
    )  # fmt: skip


def _smallest(chooser: Chooser) -> list[str]:
    needed = chooser.names
    for name in chooser.names:
        without = [other for other in needed if other != name]
        if chooser.solve(set(without), worth=False) is None:
            needed = without
    return needed


def _in_the_way(chooser: Chooser, name: str, needed: list[str]) -> str:
    found = chooser.solve(set(needed), worth=False, relaxed=name)
    everything = np.ones(chooser.candidates.count, bool)
    if name == "split":
        split = chooser.spec.split
        parts, groups = (len(split.shares), len(chooser.groups)) if split else (0, 0)
        return (
            f"  split: {parts} parts need {parts} values of {split.by if split else ''}; the candidates have {groups}"
        )
    rule = next(rule for rule in chooser.rules if rule.name == name)
    nearest = f"; with the others the nearest is {rule.in_words(found[0])}" if found else ""
    return f"  {rule.name}: {rule.wanted}{nearest}{_supply(rule, everything)}"


def _supply(rule: Rule, everything: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> str:
    if rule.unit == "share" or not rule.wanted.startswith("at least"):
        return ""
    return f" ({rule.in_words(everything)} exist)"
