"""What a comparison answers, in plain values; `as_dict` of the whole is what `--json` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["number", "flag", "text"]
Scalar = float | bool | str | None


@dataclass(frozen=True)
class Side:
    """One of the two commits."""

    ref: str
    commit: str
    segments: int


@dataclass(frozen=True)
class LayerChange:
    """How many segments' tables of one layer differ; `remade` were made by another recipe and have the same bytes."""

    layer: str
    changed: int
    added: int
    vanished: int
    remade: int

    @property
    def differing(self) -> int:
        """Segments whose table is another one, or is on one side only."""
        return self.changed + self.added + self.vanished


@dataclass(frozen=True)
class Distribution:
    """One fact over all segments of a side.

    Numbers have mean, standard deviation (of the finite ones) and quantiles; flags and texts have `shares`, the share
    of the segments by value, the most frequent first. `missing`: segments without a value.
    """

    segments: int
    missing: int
    mean: float | None = None
    deviation: float | None = None
    p5: float | None = None
    median: float | None = None
    p95: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Move:
    """One segment's fact on both sides; `delta` is new - old, None where one of them is no number."""

    segment_id: str
    old: Scalar
    new: Scalar
    delta: float | None


@dataclass(frozen=True)
class Histogram:
    """Segments by value in equal bins between the first and the last of `edges`.

    What lies beyond the edges is counted in the outermost bins; `below` and `above` say whether there is any.
    """

    edges: Sequence[float]
    before: Sequence[int]
    after: Sequence[int]
    below: bool
    above: bool


@dataclass(frozen=True)
class FactShift:
    """One fact of a layer that differs. `shift` (0..1) and `distance` are explained in `shift.py`."""

    layer: str
    name: str
    kind: Kind
    before: Distribution
    after: Distribution
    changed: int  # segments of both sides whose value differs
    shift: float
    distance: float | None
    moved: Sequence[Move]  # the ten that moved most
    histogram: Histogram | None

    @property
    def fact(self) -> str:
        """As it is written in SQL: `blink.closed_share`."""
        return f"{self.layer}.{self.name}"


@dataclass(frozen=True)
class Flip:
    """One segment that a gate judges differently; a verdict is None where a fact is missing."""

    segment_id: str
    passed_before: bool | None
    passed_after: bool | None
    value_before: float | None
    value_after: float | None
    why: str | None  # the reason on the side where it does not pass


@dataclass(frozen=True)
class Verdicts:
    """How many segments of one side pass a gate, are flagged by it, or cannot be judged."""

    passed: int
    flagged: int
    unknown: int


@dataclass(frozen=True)
class GateFlips:
    """One gate on both sides. `flips` names the first ones, the counts count all."""

    gate: str
    predicate: str
    before: Verdicts
    after: Verdicts
    to_flagged: int
    to_passed: int
    to_unknown: int
    flips: Sequence[Flip]

    @property
    def count(self) -> int:
        """Segments that the gate judges differently."""
        return self.to_flagged + self.to_passed + self.to_unknown


@dataclass(frozen=True)
class Disqualified:
    """One member of a dataset that its own `where` would not pick any more, and the parts of it that fail."""

    segment_id: str
    why: str


@dataclass(frozen=True)
class DatasetCheck:
    """One tagged version. `already` members do not qualify on the old side either, so this change is not to blame."""

    dataset: str
    tag: str
    members: int
    disqualified: Sequence[Disqualified]
    already: int
    problem: str | None = None  # why its specification cannot be asked of these facts


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two commits, seen as facts, gates and datasets."""

    before: Side
    after: Side
    segments_added: Sequence[str]
    segments_vanished: Sequence[str]
    layers: Sequence[LayerChange]
    facts: Sequence[FactShift]  # those that differ, the largest shift first
    facts_same: int  # facts of the same layers that do not differ
    gates: Sequence[GateFlips]
    segments_flipped: int  # judged differently by at least one gate
    datasets: Sequence[DatasetCheck]

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs that a person would care about."""
        return not (self.layers or self.facts or self.segments_added or self.segments_vanished or self.segments_flipped)

    def sentence(self) -> str:
        """One line."""
        if self.is_empty:
            return f"{self.before.ref} and {self.after.ref} have the same facts"
        lost = sum(len(check.disqualified) for check in self.datasets)
        parts = [
            _count(sum(layer.differing for layer in self.layers), "layer table differs", "layer tables differ"),
            _count(len(self.facts), "fact moved", "facts moved"),
            _count(self.segments_flipped, "segment is judged differently", "segments are judged differently"),
            _count(lost, "dataset member would no longer qualify", "dataset members would no longer qualify"),
        ]
        return ", ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; the keys are the names above."""
        return asdict(self)


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
