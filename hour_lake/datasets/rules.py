"""A specification's demands as rows of an integer program, in whole numbers, so that they can be checked exactly.

at least 30 % blink:   sum over blinking of w x  >=  3/10 sum of w x
                       sum of (10 b w - 3 w) x   >=  0              w: 1 a segment, or its frames
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hour_lake.datasets.candidates import Candidates
from hour_lake.datasets.spec import Amount, Constraint, DatasetSpec, Unit
from hour_lake.errors import DatasetError
from hour_lake.identity import FRAME_RATE

Integers = NDArray[np.int64]
Chosen = NDArray[np.bool_]
Measure = Literal["share", "segments", "seconds"]
MOST_LEVELS = 200
NO_VALUE = "(none)"


@dataclass(frozen=True)
class Row:
    """`low <= sum of coefficients x chosen <= high`; None is no bound. Both arrays int64 of the same length."""

    candidates: Integers
    coefficients: Integers
    low: int | None
    high: int | None

    def holds(self, chosen: Chosen) -> bool:
        """In whole numbers, so without any tolerance."""
        total = int(self.coefficients[chosen[self.candidates]].sum())
        return (self.low is None or self.low <= total) and (self.high is None or total <= self.high)


@dataclass(frozen=True)
class Rule:
    """One demand by its name: what was wanted in words, the rows that make it hold, and what a choice makes of it."""

    name: str
    wanted: str
    rows: Sequence[Row]
    unit: Measure
    achieved: Callable[[Chosen], float]

    def in_words(self, chosen: Chosen) -> str:
        """What was achieved, to be read."""
        amount = self.achieved(chosen)
        if self.unit == "share":
            return f"{100 * amount:.4g} %"
        return f"{amount:g} s" if self.unit == "seconds" else f"{amount:g} segments"

    def holds(self, chosen: Chosen) -> bool:
        """Whether every row holds."""
        return all(row.holds(chosen) for row in self.rows)


def rules_of(spec: DatasetSpec, candidates: Candidates) -> list[Rule]:
    """All demands: the size's bounds, then the constraints in the order of the specification."""
    rules = list(_size_rules(spec, candidates))
    for constraint in spec.constraints:
        if constraint.where is not None:
            rules += _where_rules(constraint, spec.size.unit, candidates)
        elif constraint.per is not None:
            rules.append(_per_rule(constraint, candidates))
        else:
            rules.append(_balance_rule(constraint, spec.size.unit, candidates))
    return rules


def weights(unit: Unit, candidates: Candidates) -> Integers:
    """What each candidate adds: 1, or its frames."""
    return np.ones(candidates.count, np.int64) if unit == "segments" else candidates.frames


def levels(values: Sequence[str | None]) -> dict[str, Integers]:
    """Value -> indices of its candidates; what has no value is one more value."""
    found: dict[str, list[int]] = {}
    for i, value in enumerate(values):
        found.setdefault(NO_VALUE if value is None else value, []).append(i)
    return {name: np.array(found[name], np.int64) for name in sorted(found)}


def _size_rules(spec: DatasetSpec, candidates: Candidates) -> Iterator[Rule]:
    units: tuple[Unit, Unit] = ("segments", "seconds")
    for unit in units:
        wanted = getattr(spec.size, unit)
        each = weights(unit, candidates)
        if wanted is not None and wanted.min is not None:
            row = _row(each, _at_least(wanted.min, unit), None)
            yield Rule(f"size.{unit}.min", f"at least {wanted.min:g} {unit}", [row], unit, _sum(each, unit))
        if wanted is not None and wanted.max is not None:
            row = _row(each, None, _at_most(wanted.max, unit))
            yield Rule(f"size.{unit}.max", f"at most {wanted.max:g} {unit}", [row], unit, _sum(each, unit))


def _where_rules(constraint: Constraint, share_unit: Unit, candidates: Candidates) -> Iterator[Rule]:
    matching = np.array(candidates.columns[f"_c_{constraint.name}"], np.int64)
    sides: tuple[tuple[str, Amount | None], ...] = (("least", constraint.at_least), ("most", constraint.at_most))
    for side, amount in sides:
        if amount is None:
            continue
        unit = _unit(amount, share_unit)
        each = weights(unit, candidates)
        part = matching * each
        if amount.share is not None:
            share = Fraction(str(amount.share))
            coefficients, bound = share.denominator * part - share.numerator * each, 0
        else:
            rounded = _at_least if side == "least" else _at_most
            coefficients, bound = part, rounded(_value(amount), unit)
        row = _row(coefficients, bound, None) if side == "least" else _row(coefficients, None, bound)
        measure = ("share", _share(part, each)) if amount.share is not None else (unit, _sum(part, unit))
        yield Rule(f"{constraint.name}.at_{side}", f"at {side} {amount} where {constraint.where}", [row], *measure)


def _per_rule(constraint: Constraint, candidates: Candidates) -> Rule:
    amount = constraint.at_most
    if amount is None or amount.share is not None:
        raise DatasetError("DATASET_SPEC", "`per` takes a count or seconds", value=str(amount), where=constraint.name,
                           fix="use `balance` for shares")  # fmt: skip
    unit = _unit(amount, "segments")
    each = weights(unit, candidates)
    groups = list(levels(candidates.columns[f"_c_{constraint.name}"]).values())
    rows = [Row(members, each[members], None, _at_most(_value(amount), unit)) for members in groups]

    def fullest(chosen: Chosen) -> float:
        most = max((int(each[members][chosen[members]].sum()) for members in groups), default=0)
        return most / FRAME_RATE if unit == "seconds" else most

    return Rule(constraint.name, f"at most {amount} per {constraint.per}", rows, unit, fullest)


def _balance_rule(constraint: Constraint, unit: Unit, candidates: Candidates) -> Rule:
    """Every value's part lies within (1 - tolerance) and (1 + tolerance) of an equal part."""
    each = weights(unit, candidates)
    groups = levels(candidates.columns[f"_c_{constraint.name}"])
    if len(groups) > MOST_LEVELS:
        raise DatasetError("DATASET_SPEC", "`balance` needs a column of few values", value=f"{len(groups)} values",
                           where=constraint.name, fix="balance over ranges, with CASE WHEN")  # fmt: skip
    tolerance = Fraction(str(constraint.tolerance))
    rows: list[Row] = []
    for members in groups.values():
        for share, low, high in (((1 - tolerance) / len(groups), 0, None), ((1 + tolerance) / len(groups), None, 0)):
            coefficients = -share.numerator * each
            coefficients[members] += share.denominator * each[members]
            rows.append(_row(coefficients, low, high))

    def largest(chosen: Chosen) -> float:
        whole = int(each[chosen].sum())
        return max((int(each[m][chosen[m]].sum()) for m in groups.values()), default=0) / whole if whole else 0.0

    wanted = f"{constraint.balance} balanced within {100 * constraint.tolerance:g} % ({len(groups)} values)"
    return Rule(constraint.name, wanted, rows, "share", largest)


def _row(coefficients: Integers, low: int | None, high: int | None) -> Row:
    (used,) = np.nonzero(coefficients)
    return Row(used, coefficients[used], low, high)


def _sum(part: Integers, unit: Unit) -> Callable[[Chosen], float]:
    return lambda chosen: int(part[chosen].sum()) / (FRAME_RATE if unit == "seconds" else 1)


def _share(part: Integers, whole: Integers) -> Callable[[Chosen], float]:
    return lambda chosen: int(part[chosen].sum()) / max(1, int(whole[chosen].sum()))


def _value(amount: Amount) -> float:
    return amount.count if amount.count is not None else amount.seconds or 0.0


def _unit(amount: Amount, share_unit: Unit) -> Unit:
    if amount.share is not None:
        return share_unit
    return "segments" if amount.count is not None else "seconds"


def _at_least(value: float, unit: str) -> int:
    return math.ceil(Fraction(str(value)) * (FRAME_RATE if unit == "seconds" else 1))


def _at_most(value: float, unit: str) -> int:
    return math.floor(Fraction(str(value)) * (FRAME_RATE if unit == "seconds" else 1))
