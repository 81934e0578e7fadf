"""Writing in the picture: what it says, how much of the picture it takes, and whether it stays where it is."""

from typing import Any

import numpy as np

from hour_lake.layers import Frames, frames, layer
from hour_lake.layers._tracks import overlap
from hour_lake.models.ocr import MODELS, Line, read_text


@layer(
    reads=frames(width=640, fps=1),
    models=MODELS,
    columns={"text": "string", "lines": "int16", "area_share": "float32", "stable_share": "float32"},
    facts={
        "area_share_max": "max(area_share)",
        "area_share_mean": "avg(area_share)",
        "has_stable_overlay": "bool_or(stable_share > 0)",
        "stable_share_max": "max(stable_share)",
        "text": "coalesce(arg_max(text, area_share), '')",
    },
)
class text_overlay:
    """Remembers the lines of the last look, and for how many looks each has been there."""

    def __init__(self, *, sure_from: float = 0.8, letters_from: int = 2, stable_looks: int = 3) -> None:
        self.sure_from, self.letters_from, self.stable_looks = sure_from, letters_from, stable_looks
        self.last: list[tuple[Line, int]] = []

    def __call__(self, frames: Frames) -> dict[str, Any]:
        """One row a second. `area_share`: of the picture under the boxes of lines with at least `letters_from` letters
        that the network is `sure_from` of. `stable_share`: under those that stand there in the `stable_looks`-th look
        in a row or a later one (a logo, a caption); a slide that a presenter stands before counts as well.
        """
        rows: list[tuple[str, int, float, float]] = []
        for picture in frames.pixels:
            found = [line for line in read_text(picture, asked_by="text_overlay") if self.counts(line)]
            self.last = [(line, 1 + self.looks(line)) for line in found]
            area = picture.shape[0] * picture.shape[1]
            stable = sum(line.area_px for line, looks in self.last if looks >= self.stable_looks)
            text = " | ".join(line.text for line in found)
            rows.append((text, len(found), sum(line.area_px for line in found) / area, stable / area))
        text, lines, area_share, stable_share = zip(*rows, strict=True)
        return {"text": list(text), "lines": np.array(lines, np.int16), "area_share": np.array(area_share),
                "stable_share": np.array(stable_share)}  # fmt: skip

    def counts(self, line: Line) -> bool:
        """Whether it is writing, as far as can be told."""
        return line.probability >= self.sure_from and len(line.text.replace(" ", "")) >= self.letters_from

    def looks(self, line: Line) -> int:
        """For how many looks a line of about the same box has been there."""
        return max((looks for other, looks in self.last if overlap(line.box_px, other.box_px) >= 0.5), default=0)
