"""A comparison as a few tables of short texts; the terminal and Markdown show the same ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hour_lake.comparison.answer import Comparison, DatasetCheck, Distribution, FactShift, Flip, GateFlips, Scalar

LISTED = 10  # rows of a table that could be long; `--json` has all of them
FACTS_IN_DETAIL = 6


@dataclass(frozen=True)
class Table:
    """A title, a header and rows; `note` says what was left out."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def tables_of(comparison: Comparison) -> Iterator[Table]:
    """What differs, from the coarse to the fine; what does not differ has no table."""
    if comparison.segments_added or comparison.segments_vanished:
        yield _segments(comparison)
    if comparison.layers:
        columns = ("layer", "changed", "added", "vanished", "same bytes, other recipe")
        rows = [(x.layer, *map(str, (x.changed, x.added, x.vanished, x.remade))) for x in comparison.layers]
        yield Table("Layers: segments whose table differs", columns, rows)
    if comparison.facts:
        yield _facts(comparison)
    for fact in comparison.facts[:FACTS_IN_DETAIL]:
        if fact.moved:
            rows = [(m.segment_id, shown(m.old), shown(m.new), signed(m.delta)) for m in fact.moved]
            note = "" if len(rows) == fact.changed else f"the {len(rows)} that moved most of {fact.changed}"
            yield Table(f"Moved: {fact.fact}", ("segment", "old", "new", "delta"), rows, note)
    flipped = [gate for gate in comparison.gates if gate.count or gate.before != gate.after]
    if flipped:
        yield _gates(flipped)
    for gate in flipped:
        if gate.flips:
            yield _flips(gate)
    if comparison.datasets:
        yield _datasets(comparison.datasets)
    for check in comparison.datasets:
        if check.disqualified:
            rows = [(each.segment_id, each.why) for each in check.disqualified[:LISTED]]
            title = f"No longer in {check.dataset}, if it were chosen now"
            yield Table(title, ("segment", "fails"), rows, _rest(len(check.disqualified)))


def shown(value: Scalar) -> str:
    """A fact's value to be read."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:.4g}"


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    return "-" if value is None else f"{value:+.4g}"


def _segments(comparison: Comparison) -> Table:
    lists = (("added", comparison.segments_added), ("vanished", comparison.segments_vanished))
    rows = [(what, str(len(ids)), ", ".join(ids[:3]) + (" ..." if len(ids) > 3 else "")) for what, ids in lists if ids]
    return Table("Segments", ("what", "count", "the first ones"), rows)


def _facts(comparison: Comparison) -> Table:
    """Two lines a fact, old and new; missing values have a column only where there are any."""
    with_missing = any(side.missing for fact in comparison.facts for side in (fact.before, fact.after))
    columns = ["fact", "", "mean", "p5", "median", "p95", *(["missing"] if with_missing else []), "shift", "distance"]
    rows: list[Sequence[str]] = []
    for fact in comparison.facts:
        missing = [[str(side.missing)] if with_missing else [] for side in (fact.before, fact.after)]
        distance = "" if fact.distance is None else f"{fact.distance:.3g}"
        rows.append((fact.fact, "old", *_middle(fact, fact.before), *missing[0], f"{fact.shift:.3g}", distance))
        rows.append((f"  {segments_changed(fact.changed)}", "new", *_middle(fact, fact.after), *missing[1], "", ""))
    same = comparison.facts_same
    note = f"shift is 0 to 1, distance in standard deviations; {same} facts of these layers are the same"
    return Table("Facts that moved", columns, rows, note)


def _middle(fact: FactShift, side: Distribution) -> list[str]:
    if fact.kind == "number":
        return [shown(value) for value in (side.mean, side.p5, side.median, side.p95)]
    return [_most(side), "", "", ""]


def segments_changed(count: int) -> str:
    """`1 segment changed`."""
    return f"{count} segment{'' if count == 1 else 's'} changed"


def _most(distribution: Distribution) -> str:
    """The most frequent values, as shares; a flag as the share of yes."""
    shares = distribution.shares
    if set(shares) <= {"true", "false"}:
        return f"{100 * shares.get('true', 0.0):.3g} % yes"
    return ", ".join(f"{100 * share:.3g} % {value}" for value, share in list(shares.items())[:3])


def arrow(old: str, new: str) -> str:
    """`old → new`, or the one value that both are."""
    return old if old == new else f"{old} → {new}"


def _gates(gates: Sequence[GateFlips]) -> Table:
    columns = ("gate", "passed", "flagged", "unknown", "to flagged", "to passed", "to unknown")
    rows = [
        (
            gate.gate,
            *(
                arrow(str(getattr(gate.before, n)), str(getattr(gate.after, n)))
                for n in ("passed", "flagged", "unknown")
            ),
            *map(str, (gate.to_flagged, gate.to_passed, gate.to_unknown)),
        )
        for gate in gates
    ]
    note = "the gates in force now, asked of the facts of both sides; stored flags are not looked at"
    return Table("Gates", columns, rows, note)


def _flips(gate: GateFlips) -> Table:
    rows = [(f.segment_id, _verdicts(f), arrow(shown(f.value_before), shown(f.value_after)), f.why or "")
            for f in gate.flips[:LISTED]]  # fmt: skip
    return Table(f"Flipped: {gate.gate} ({gate.predicate})", ("segment", "verdict", "value", "why"), rows,
                 _rest(gate.count))  # fmt: skip


def _verdicts(flip: Flip) -> str:
    words = {True: "passed", False: "flagged", None: "unknown"}
    return f"{words[flip.passed_before]} → {words[flip.passed_after]}"


def _datasets(checks: Sequence[DatasetCheck]) -> Table:
    rows = [(check.dataset, str(check.members), str(len(check.disqualified)), str(check.already), check.problem or "")
            for check in checks]  # fmt: skip
    columns = ("dataset", "members", "would no longer qualify", "did not before either", "cannot be asked")
    return Table("Tagged datasets", columns, rows, "their tags pull the same bytes as ever")


def _rest(count: int) -> str:
    return f"the first {LISTED} of {count}" if count > LISTED else ""
