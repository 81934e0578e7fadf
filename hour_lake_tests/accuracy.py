"""What layers measure against truth or a reference: tests assert it with `accuracy`, `make accuracy` prints the table.

    def test_yaw(accuracy): accuracy("head_pose", "yaw, mean error (degrees)", 1.9, below=5, against="corpus")

The table in the docs is thus made of the very figures that the tests assert.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_VARIABLE = "HOUR_LAKE_ACCURACY"
# Layers that have no row, and why: all that wait to be opted in. Any other without one stops `make accuracy`.
WITHOUT = {
    "face_embedding": "its weights are for research only",
    "face_landmarks_106": "its weights are for research only",
    "people_arcface": "reads face_embedding",
    "speakers": "groups speaker_embedding, whose rows are the distances that its threshold parts",
}
CHECKOUT = Path(__file__).parent.parent
PAGE = CHECKOUT / "docs" / "accuracy.md"
HEAD = """# How right the layers are

Each figure was measured by a test that asserts its goal (`make accuracy` runs these tests and writes this page). Where
a measure was taken on several videos or signals, the worst is shown. *Corpus*: the sample corpus, whose truth is known
frame by frame, for it is animated from two public-domain portraits and spoken by two synthetic voices.

Where truth and layer are relatives, a row says less than it seems to. The true boxes and points of the corpus are those
that FaceMesh found on the two still portraits, moved as the head was: `face_boxes` and `face_landmarks` are held
against them in part for being consistent. How far a head is turned in its photograph is an estimate of the same kind
(yaw), or not known (pitch: what the layer calls 0). Under `gaze`, eyes are drawn with the layer's own ratio of eyeball
to eye (`EYEBALL_OVER_WIDTH`): the row is about the geometry, not about people.

| layer | measure | found | goal | against |
|---|---|---:|---:|---|
"""


@dataclass(frozen=True)
class Figure:
    """One measured value and its goal: an upper bound (`below`) or a lower one (`above`)."""

    layer: str
    measure: str
    value: float
    against: str
    below: float | None = None
    above: float | None = None

    @property
    def holds(self) -> bool:
        return (self.below is None or self.value <= self.below) and (self.above is None or self.value >= self.above)

    @property
    def goal(self) -> str:
        return f"≤ {self.below:g}" if self.below is not None else f"≥ {self.above:g}"


class Accuracy:
    """Called with a figure: keeps it for the table where one is asked for, and fails when its goal is missed."""

    def __call__(
        self, layer: str, measure: str, value: float, *, against: str, below: float | None = None,
        above: float | None = None,
    ) -> None:  # fmt: skip
        figure = Figure(layer, measure, float(value), against, below, above)
        assert (below is None) != (above is None), "a figure has one goal"
        if FILE_VARIABLE in os.environ:
            with Path(os.environ[FILE_VARIABLE]).open("a") as file:
                file.write(json.dumps(asdict(figure)) + "\n")
        assert figure.holds, f"{layer}: {measure} is {value:.4g}, goal {figure.goal}"


def worst(figures: Iterable[Figure]) -> list[Figure]:
    """One figure a layer and measure, the least good one."""
    found: dict[tuple[str, str], Figure] = {}
    for figure in figures:
        key = figure.layer, figure.measure
        other = found.setdefault(key, figure)
        if (figure.value > other.value) == (figure.below is not None):
            found[key] = figure
    return [found[key] for key in sorted(found)]


def page(figures: Iterable[Figure]) -> str:
    """The page of the docs."""
    rows = [f"| {f.layer} | {f.measure} | {f.value:.3g} | {f.goal} | {f.against} |" for f in worst(figures)]
    return HEAD + "\n".join(rows) + "\n"


def without_row(figures: Iterable[Figure]) -> list[str]:
    """Layers that nothing was measured of, though `WITHOUT` does not say why."""
    from hour_lake.passes.registry import load_layers

    return sorted(set(load_layers()) - {figure.layer for figure in figures} - set(WITHOUT))


def measured() -> tuple[int, list[Figure]]:
    """The exit status of the tests that measure, and all their figures."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "figures.jsonl"
        kept.touch()
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "hour_lake_tests"],
            cwd=CHECKOUT, env={**os.environ, FILE_VARIABLE: str(kept)}, check=False,
        )  # fmt: skip
        return ended.returncode, [Figure(**json.loads(line)) for line in kept.read_text().splitlines()]


def main() -> int:
    """Writes the page; leaves the old one where a test failed or a layer has no row, and says so with its status."""
    status, figures = measured()
    missing = without_row(figures)
    if status or missing:
        why = f"the tests ended with {status}" if status else f"no row of {', '.join(missing)}"
        print(f"{PAGE.name} is left as it was: {why}", file=sys.stderr)
        return status or 1
    PAGE.write_text(page(figures))
    print(f"{len(worst(figures))} measures of {len({f.layer for f in figures})} layers: {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
