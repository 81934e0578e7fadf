"""A comparison as a picture: the facts that moved as histograms old over new, and the flips of the gates as bars."""

import math
from collections.abc import Sequence
from pathlib import Path

from hour_lake.comparison.answer import Comparison, Distribution, FactShift, GateFlips, Histogram
from hour_lake.comparison.tables import segments_changed, shown
from hour_lake.datasets.drawing import ACCENTS, BRIGHT, FAINT, LINE, PANEL, SOFT, Canvas, Colour

MARGIN, GAP, PAD = 48, 20, 20
COLUMNS = 3
CARD_WIDTH, CARD_HEIGHT = 400, 244
MOST_FACTS = 9
WIDTH = 2 * MARGIN + COLUMNS * CARD_WIDTH + (COLUMNS - 1) * GAP
HEADER = 168
PLOT_TOP, PLOT_HEIGHT = 74, 128
GATES_TOP, BAR_ROW, NAME_WIDTH, COUNT_WIDTH = 80, 34, 150, 100
OLD: Colour = FAINT
NEW: Colour = ACCENTS[0]
FLAGGED: Colour = ACCENTS[1]
UNKNOWN: Colour = ACCENTS[2]
MOST_LEVELS = 5
# What a lane of the gates is called, the count it shows, and its colour.
LANES = (
    ("now flagged", "to_flagged", FLAGGED),
    ("now passed", "to_passed", NEW),
    ("now unknown", "to_unknown", UNKNOWN),
)


def draw(comparison: Comparison, destination: Path) -> Path:
    """Write a PNG; gives its path. At most nine facts are drawn, those with the largest shift."""
    facts = comparison.facts[:MOST_FACTS]
    gates = [gate for gate in comparison.gates if gate.count]
    rows = math.ceil(len(facts) / COLUMNS)
    facts_height = rows * (CARD_HEIGHT + GAP)
    gates_height = GATES_TOP + 12 + len(gates) * BAR_ROW if gates else 0
    canvas = Canvas(WIDTH, HEADER + max(facts_height + gates_height, 60) + MARGIN - (0 if gates else GAP))
    _header(canvas, comparison, len(facts))
    for i, fact in enumerate(facts):
        x = MARGIN + i % COLUMNS * (CARD_WIDTH + GAP)
        _card(canvas, x, HEADER + i // COLUMNS * (CARD_HEIGHT + GAP), fact)
    if gates:
        _gates(canvas, HEADER + facts_height, gates)
    canvas.save(destination)
    return destination


def _header(canvas: Canvas, comparison: Comparison, drawn: int) -> None:
    y = MARGIN + 24
    x = canvas.text((MARGIN, y), comparison.before.ref, size=32, colour=SOFT, weight=700)
    x = _arrow(canvas, x + 16, y - 11) + 16
    canvas.text((x, y), canvas.fitted(comparison.after.ref, WIDTH - MARGIN - x, size=32, weight=700), size=32,
                colour=NEW, weight=700)  # fmt: skip
    canvas.text((MARGIN, y + 34), canvas.fitted(comparison.sentence(), WIDTH - 2 * MARGIN, size=16), size=16,
                colour=BRIGHT)  # fmt: skip
    segments = f"{comparison.before.segments} segments"
    if comparison.before.segments != comparison.after.segments:
        segments = f"{comparison.before.segments} and {comparison.after.segments} segments"
    said = f"{segments}   ·   commits {comparison.before.commit[:10]} and {comparison.after.commit[:10]}"
    if drawn < len(comparison.facts):
        said += f"   ·   the {drawn} of {len(comparison.facts)} facts with the largest shift"
    end = canvas.text((MARGIN, y + 60), said, size=14, colour=FAINT)
    x = end + 40
    for words, colour in (("old", OLD), ("new", NEW)):
        canvas.box(x, y + 50, 14, 10, colour, radius=2)
        x = canvas.text((x + 20, y + 60), words, size=14, colour=SOFT) + 18


def _arrow(canvas: Canvas, x: int, y: int) -> int:
    """The sans face has no arrow; gives the x where it ends."""
    canvas.box(x, y - 1, 26, 3, FAINT, radius=1)
    for step in range(8):
        canvas.box(x + 26 - step, y - step, 2, 2 * step + 1, FAINT, radius=0)
    return x + 28


def _card(canvas: Canvas, x: int, y: int, fact: FactShift) -> None:
    canvas.box(x, y, CARD_WIDTH, CARD_HEIGHT, PANEL, radius=14)
    left, inside = x + PAD, CARD_WIDTH - 2 * PAD
    canvas.text((left, y + 32), canvas.fitted(fact.fact, inside - 110, size=16, weight=600), size=16, colour=BRIGHT,
                weight=600)  # fmt: skip
    shift = f"shift {fact.shift:.2g}"
    canvas.text((left + inside - canvas.width_of(shift, size=15, weight=600), y + 32), shift, size=15, colour=NEW,
                weight=600)  # fmt: skip
    canvas.text((left, y + 55), canvas.fitted(_told(fact), inside, size=13), size=13, colour=FAINT)
    if fact.histogram is not None:
        _bars(canvas, left, y + PLOT_TOP, inside, fact.histogram)
    else:
        _levels(canvas, left, y + PLOT_TOP, inside, fact.before, fact.after)


def _told(fact: FactShift) -> str:
    changed = segments_changed(fact.changed)
    if fact.kind == "number" and fact.before.median is not None and fact.after.median is not None:
        return f"{changed}, median {shown(fact.before.median)} to {shown(fact.after.median)}{_missing(fact)}"
    return changed + _missing(fact)


def _missing(fact: FactShift) -> str:
    old, new = fact.before.missing, fact.after.missing
    return f", missing {old} to {new}" if old != new else f", missing {old}" if old else ""


def _bars(canvas: Canvas, x: int, y: int, width: int, histogram: Histogram) -> None:
    """Old bars wide, new ones narrow before them, so that neither hides the other: one scale, which begins at zero."""
    most = max(1, *histogram.before, *histogram.after)
    bins = len(histogram.before)
    ends = [x + round(i * width / bins) for i in range(bins + 1)]
    for start, stop, old, new in zip(ends, ends[1:], histogram.before, histogram.after, strict=False):
        for count, colour, inset in ((old, OLD, 0), (new, NEW, max(4, 2 * ((stop - start) // 5)))):
            height = round(count / most * PLOT_HEIGHT)
            if height:
                wide = stop - start - 2 - inset
                canvas.box(start + 1 + inset // 2, y + PLOT_HEIGHT - height, wide, height, colour, radius=0)
    canvas.box(x, y + PLOT_HEIGHT, width, 1, LINE, radius=0)
    low, high = shown(histogram.edges[0]), shown(histogram.edges[-1])
    low, high = ("≤ " if histogram.below else "") + low, ("≥ " if histogram.above else "") + high
    baseline = y + PLOT_HEIGHT + 20
    canvas.text((x, baseline), low, size=13, colour=SOFT)
    canvas.text((x + width - canvas.width_of(high, size=13), baseline), high, size=13, colour=SOFT)
    scale = f"highest bar: {most} segments"
    canvas.text((x + (width - canvas.width_of(scale, size=12)) // 2, baseline), scale, size=12, colour=FAINT)


def _levels(canvas: Canvas, x: int, y: int, width: int, before: Distribution, after: Distribution) -> None:
    """Shares of values, a pair of bars each; the bars' room is all segments."""
    values = list(dict.fromkeys([*before.shares, *after.shares]))
    values.sort(key=lambda value: -max(before.shares.get(value, 0.0), after.shares.get(value, 0.0)))
    height = min(44, (PLOT_HEIGHT + 30) // max(1, min(MOST_LEVELS, len(values))))
    names = {"true": "yes", "false": "no"}
    for i, value in enumerate(values[:MOST_LEVELS]):
        top = y + 6 + i * height
        canvas.text((x, top + 15), canvas.fitted(names.get(value, value), 70, size=13), size=13, colour=SOFT)
        for row, (shares, colour) in enumerate(((before.shares, OLD), (after.shares, NEW))):
            share, line = shares.get(value, 0.0), top + row * 14
            room = width - 80 - 54
            canvas.box(x + 80, line, room, 10, LINE, radius=2)
            if round(share * room):
                canvas.box(x + 80, line, round(share * room), 10, colour, radius=2)
            canvas.text((x + 80 + room + 10, line + 10), f"{100 * share:.3g} %", size=12, colour=colour)


def _gates(canvas: Canvas, y: int, gates: Sequence[GateFlips]) -> None:
    """One line a gate, three lanes; a full lane is all segments that both sides have."""
    width = WIDTH - 2 * MARGIN
    canvas.box(MARGIN, y, width, GATES_TOP + 12 + len(gates) * BAR_ROW, PANEL, radius=14)
    x = MARGIN + PAD
    canvas.text((x, y + 34), "gates that judge differently", size=16, colour=BRIGHT, weight=600)
    lane = (width - 2 * PAD - NAME_WIDTH) // len(LANES)
    for place, (words, _, colour) in enumerate(LANES):
        left = x + NAME_WIDTH + place * lane
        canvas.box(left, y + 54, 14, 10, colour, radius=2)
        canvas.text((left + 20, y + 64), words, size=13, colour=SOFT)
    for i, gate in enumerate(gates):
        top = y + GATES_TOP + i * BAR_ROW
        canvas.text((x, top + 15), canvas.fitted(gate.gate, NAME_WIDTH - 10, size=14), size=14, colour=SOFT)
        whole = max(1, gate.before.passed + gate.before.flagged + gate.before.unknown)
        for place, (_, name, colour) in enumerate(LANES):
            count = getattr(gate, name)
            _lane(canvas, x + NAME_WIDTH + place * lane, top + 2, lane - COUNT_WIDTH, count, whole, colour)


def _lane(canvas: Canvas, x: int, y: int, width: int, count: int, whole: int, colour: Colour) -> None:
    canvas.box(x, y, width, 16, LINE, radius=3)
    if count:
        canvas.box(x, y, max(2, round(min(1.0, count / whole) * width)), 16, colour, radius=3)
    words = f"{count} of {whole}" if count else "0"
    canvas.text((x + width + 10, y + 13), words, size=13, colour=colour if count else FAINT, weight=600)
