"""Choosing segments: one integer program; candidates that no rule tells apart are one variable.

That makes the program small where the objective is coarse, and it breaks ties by segment id: of equal candidates the
first ids are taken. The split by group is a second, small program over the groups that were chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hour_lake.datasets.candidates import Candidates
from hour_lake.datasets.rules import Chosen, Rule, levels, rules_of, weights
from hour_lake.datasets.solver import Program, solve
from hour_lake.datasets.spec import DatasetSpec
from hour_lake.errors import DatasetError


@dataclass(frozen=True)
class Choice:
    """What was chosen, what it is worth, and which part of the split each chosen candidate is in (else "")."""

    chosen: Chosen
    objective: float
    status: str
    parts: Sequence[str]


class Chooser:
    """The program of one specification over its candidates."""

    def __init__(self, spec: DatasetSpec, candidates: Candidates) -> None:
        self.spec, self.candidates = spec, candidates
        self.rules = rules_of(spec, candidates)
        self.groups = levels(candidates.columns["_group"]) if spec.split else {}
        self.worth = _worth(spec, candidates)
        self._classes = _classes(self.rules, self.groups, self.worth, candidates.count)
        self._class_of = np.empty(candidates.count, np.int64)
        for number, members in enumerate(self._classes):
            self._class_of[members] = number

    @property
    def names(self) -> list[str]:
        """Every demand that may stand in the way."""
        return [rule.name for rule in self.rules] + (["split"] if self.spec.split else [])

    def best(self) -> Choice | None:
        """The best choice that keeps every rule, or None."""
        found = self.solve(set(self.names), worth=True)
        if found is None:
            return None
        chosen, status = found
        broken = [rule.name for rule in self.rules if not rule.holds(chosen)]
        if broken:  # the solver works with tolerances, the check does not
            raise DatasetError("DATASET_SOLVER", "the solver's answer does not keep a rule", value=", ".join(broken),
                               where=self.spec.name, fix="report this specification")  # fmt: skip
        return Choice(chosen, float(self.worth[chosen].sum()), status, self._parts(chosen))

    def solve(self, names: set[str], *, worth: bool, relaxed: str | None = None) -> tuple[Chosen, str] | None:
        """A choice under the named demands. `relaxed`: break this one, but as little as can be."""
        program = Program()
        largest = float(np.abs(self.worth).max(initial=0.0)) or 1.0
        for members in self._classes:
            gain = float(self.worth[members[0]]) / largest if worth else 0.0
            program.variable(upper=len(members), gain=gain)
        for rule in self.rules:
            if rule.name in names:
                self._add(program, rule, slack=rule.name == relaxed)
        if "split" in names and self.spec.split:
            self._add_groups(program, slack=relaxed == "split")
        solution = solve(program)
        if solution is None:
            return None
        chosen = np.zeros(self.candidates.count, bool)
        for members, amount in zip(self._classes, solution.values, strict=False):
            chosen[members[: round(amount)]] = True
        return chosen, solution.status

    def _add(self, program: Program, rule: Rule, *, slack: bool) -> None:
        extra = [program.variable(upper=1e12, gain=-1.0, whole=False)] if slack else []
        for row in rule.rows:
            used, first = np.unique(self._class_of[row.candidates], return_index=True)
            sign = [1.0 if row.low is not None else -1.0] * len(extra)
            program.row([*used.tolist(), *extra], [*row.coefficients[first].tolist(), *sign], row.low, row.high)

    def _add_groups(self, program: Program, *, slack: bool) -> None:
        """Every part of the split needs a group: at least as many groups as parts have a segment that is chosen."""
        assert self.spec.split is not None
        present: list[int] = []
        for members in self.groups.values():
            flag = program.variable(upper=1)
            classes = np.unique(self._class_of[members]).tolist()
            program.row([flag, *classes], [1.0, *[-1.0] * len(classes)], None, 0)
            present.append(flag)
        extra = [program.variable(upper=1e6, gain=-1.0)] if slack else []
        program.row([*present, *extra], [1.0] * (len(present) + len(extra)), len(self.spec.split.shares), None)

    def _parts(self, chosen: Chosen) -> list[str]:
        if not self.spec.split:
            return [""] * int(chosen.sum())
        each = weights(self.spec.size.unit, self.candidates)
        sizes = {name: int(each[members[chosen[members]]].sum()) for name, members in self.groups.items()}
        part_of = split_groups({n: s for n, s in sizes.items() if s}, dict(self.spec.split.shares))
        names = np.empty(self.candidates.count, object)
        for group, members in self.groups.items():
            names[members] = part_of.get(group, "")
        return list(names[chosen])


def split_groups(sizes: dict[str, int], shares: dict[str, float]) -> dict[str, str]:
    """Group -> part: no part is empty, and the sum of what the parts are off their shares is least."""
    program, total = Program(), sum(sizes.values())
    names, parts = sorted(sizes), list(shares)
    tie = 0.1 / total / (len(names) * (len(names) + 1) * len(parts))  # all of it together is less than one segment off
    place = {(g, p): program.variable(upper=1, gain=tie * (len(names) - i) * (len(parts) - j))
             for i, g in enumerate(names) for j, p in enumerate(parts)}  # fmt: skip
    for group in names:
        program.row([place[group, part] for part in parts], [1.0] * len(parts), 1, 1)
    for part in parts:
        members = [place[group, part] for group in names]
        program.row(members, [1.0] * len(members), 1, None)
        wanted = float(Fraction(str(shares[part])) * total)
        off = program.variable(upper=2.0 * total, gain=-1.0 / total, whole=False)
        amounts = [float(sizes[group]) for group in names]
        program.row([*members, off], [*amounts, 1.0], wanted, None)
        program.row([*members, off], [*amounts, -1.0], None, wanted)
    solution = solve(program)
    if solution is None:
        raise DatasetError("DATASET_INFEASIBLE", "there are fewer groups than parts of the split", value=len(sizes),
                           fix="split into fewer parts, or by a finer column")  # fmt: skip
    return {group: part for (group, part), k in place.items() if solution.values[k] > 0.5}


def _worth(spec: DatasetSpec, candidates: Candidates) -> NDArray[np.float64]:
    sign = 1.0 if spec.objective.maximise is not None else -1.0
    values = candidates.objective
    return sign * (weights(spec.size.unit, candidates).astype(np.float64) if values is None else values)


def _classes(
    rules: Sequence[Rule], groups: dict[str, NDArray[np.int64]], worth: NDArray[np.float64], count: int
) -> list[NDArray[np.int64]]:
    """Candidates that are alike in every row, in their group and in their worth; each class in the order of ids."""
    marks: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    rows = [row for rule in rules for row in rule.rows]
    for number, row in enumerate(rows):
        for candidate, coefficient in zip(row.candidates.tolist(), row.coefficients.tolist(), strict=True):
            marks[candidate].append((number, coefficient))
    for number, members in enumerate(groups.values()):
        for candidate in members.tolist():
            marks[candidate].append((len(rows) + number, 1))
    found: dict[tuple[float, tuple[tuple[int, int], ...]], list[int]] = {}
    for candidate in range(count):
        found.setdefault((float(worth[candidate]), tuple(marks[candidate])), []).append(candidate)
    return [np.array(members, np.int64) for members in found.values()]
