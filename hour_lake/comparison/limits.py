"""How much a merge may change: limits like `flips(eyes_open) <= 2%`, parsed, measured on a comparison, and told.

    limit   := measure '(' name? ')' ('<=' | '<') number '%'?
    flips(gate)          segments that the gate judges differently; flips() for any gate     % of the segments
    changed(layer)       segments whose table of the layer differs; changed() for any table  % of the segments
    shift(layer.fact)    how much of the distribution moved, 0 to 1 (see shift.py)           % is hundredths of it
    disqualified(name)   members of the dataset (its newest version, or NAME@vN) that would no longer qualify;
                         disqualified() for all newest versions together                     % of the members

Per cent of segments are of those on the side that is changed, before the change.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hour_lake.catalog.gates import Gate
from hour_lake.comparison.answer import Comparison
from hour_lake.errors import ConfigError
from hour_lake.lake.names import near
from hour_lake.passes.declare import Layer

LIMIT = re.compile(r"\s*(\w+)\s*\(\s*([\w.@-]*)\s*\)\s*(<=|<)\s*(\d+(?:\.\d+)?|\.\d+)\s*(%?)\s*")
EXAMPLES = "flips(eyes_open) <= 2%, changed(blink) < 100, shift(blink.closed_share) <= 0.1, disqualified() <= 0"


@dataclass(frozen=True)
class Limit:
    """One parsed limit."""

    measure: str
    name: str  # "" for any
    strict: bool
    bound: float
    percent: bool

    def __str__(self) -> str:
        amount = f"{self.bound:g}{'%' if self.percent else ''}"
        return f"{self.measure}({self.name}) {'<' if self.strict else '<='} {amount}"


@dataclass(frozen=True)
class Measured:
    """A limit and what it came to; `of` is what per cent are of."""

    limit: str
    value: float
    of: float
    holds: bool
    counted: bool  # a count of something; else a shift, 0 to 1

    def sentence(self) -> str:
        """The limit and the number: `flips() <= 2%: 3 of 26 (11.5 %)`."""
        share = f" of {self.of:g}" if self.counted else ""
        return f"{self.limit}: {self.value:.4g}{share} ({100 * self.value / self.of if self.of else 0:.3g} %)"


@dataclass(frozen=True)
class Known:
    """The names that limits may use."""

    gates: Sequence[str]
    layers: Sequence[str]
    facts: Sequence[str]
    datasets: Sequence[str]


def known_names(layers: Mapping[str, Layer], gates: Sequence[Gate], datasets: Iterable[str]) -> Known:
    """From what is in force; `datasets` as `name@vN`, each known by its plain name too."""
    versions = list(datasets)
    facts = [f"{layer.name}.{fact}" for layer in layers.values() for fact in ("rows", *layer.facts)]
    plain = {version.partition("@")[0] for version in versions}
    return Known([gate.name for gate in gates], list(layers), facts, sorted({*plain, *versions}))


def parse_limit(text: str, known: Known) -> Limit:
    """LIMIT_SYNTAX for what is no limit, LIMIT_UNKNOWN with the nearest names for one about nothing there is."""
    match = LIMIT.fullmatch(text)
    if match is None:
        raise ConfigError("LIMIT_SYNTAX", "this is not a limit", value=text, fix=f"write it like {EXAMPLES}")
    measure, name, sign, bound, percent = match.groups()
    names = {"flips": known.gates, "changed": known.layers, "shift": known.facts, "disqualified": known.datasets}
    if measure not in names:
        raise _unknown(f"there is no measure {measure!r}", text, near(measure, names) or f"use {', '.join(names)}")
    if (name or measure == "shift") and name not in names[measure]:
        listed = ", ".join(names[measure][:20]) or "none"
        raise _unknown(f"{measure} of what is not there", text, near(name, names[measure]) or f"there are: {listed}")
    return Limit(measure, name, sign == "<", float(bound), bool(percent))


def measure(limit: Limit, comparison: Comparison) -> Measured:
    """What a limit came to, and whether it holds."""
    value, of = MEASURES[limit.measure](comparison, limit.name)
    bound = limit.bound * of / 100 if limit.percent else limit.bound
    # Counts are whole, and a bound like 2 % of 50 must be met by 1 whatever its last bit says.
    slack = 1e-9 * max(1.0, bound)
    holds = value < bound - slack if limit.strict else value <= bound + slack
    return Measured(str(limit), value, of, holds, counted=limit.measure != "shift")


def _flips(comparison: Comparison, gate: str) -> tuple[float, float]:
    by_name = {each.gate: each.count for each in comparison.gates}
    return (by_name[gate] if gate else comparison.segments_flipped), comparison.before.segments


def _changed(comparison: Comparison, layer: str) -> tuple[float, float]:
    counts = [each.differing for each in comparison.layers if layer in ("", each.layer)]
    return sum(counts), comparison.before.segments


def _shift(comparison: Comparison, fact: str) -> tuple[float, float]:
    return next((each.shift for each in comparison.facts if each.fact == fact), 0.0), 1


def _disqualified(comparison: Comparison, name: str) -> tuple[float, float]:
    """Without a version the newest one counts; a dataset that cannot be asked has lost all its members."""
    checks = {each.dataset.partition("@")[0]: each for each in comparison.datasets}  # the newest comes last
    checks |= {each.dataset: each for each in comparison.datasets}
    chosen = [checks[name]] if name else [check for key, check in checks.items() if "@" not in key]
    lost = sum(check.members if check.problem else len(check.disqualified) for check in chosen)
    return lost, sum(check.members for check in chosen)


MEASURES: Mapping[str, Callable[[Comparison, str], tuple[float, float]]] = {
    "flips": _flips, "changed": _changed, "shift": _shift, "disqualified": _disqualified,
}  # fmt: skip


def _unknown(message: str, text: str, fix: str) -> ConfigError:
    return ConfigError("LIMIT_UNKNOWN", message, value=text, fix=fix)
