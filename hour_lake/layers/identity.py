"""Whose face it is, as 128 numbers: near for one person, far for two."""

from typing import Any

import numpy as np

from hour_lake.layers import Frames, Table, frames, layer
from hour_lake.layers._main_face import worth_a_look
from hour_lake.models.dlib_face import MODELS, embedding


@layer(
    reads=(frames(fps=0.5), "face_boxes"),
    rows="segment",
    group="face",
    models=MODELS,
    columns={"embedding": "float32[128]", "spread": "float32", "looks": "int16"},
    facts={"embedding": "first(embedding)", "spread": "first(spread)", "looks": "first(looks)"},
)
class identity:
    """Looks at the main face every two seconds, for it takes 0.1 s."""

    def __init__(self, *, least_inside_share: float = 0.9, least_side_px: float = 40) -> None:
        self.asked = {"least_inside_share": least_inside_share, "least_side_px": least_side_px}
        self.found: list[Any] = []

    def __call__(self, frames: Frames, face_boxes: Table) -> None:
        """Faces that are cut off or tiny are not looked at."""
        for k, box in worth_a_look(face_boxes, **self.asked):
            self.found.append(embedding(frames.pixels[k], box=box, asked_by="identity"))

    def finish(self) -> dict[str, Any]:
        """`embedding`: the mean of the looks. `spread`: the largest distance of a look from it.

        Distance is Euclidean. dlib holds two faces for one person below 0.6; a spread above 0.4 means that the main
        face of the segment is not always the same person's. Without a face there is no embedding.
        """
        if not self.found:
            return {"embedding": np.full(128, np.nan, np.float32), "spread": np.nan, "looks": 0}
        looks = np.array(self.found)
        middle = looks.mean(axis=0)
        spread = np.linalg.norm(looks - middle, axis=1).max()
        return {"embedding": middle, "spread": spread, "looks": len(looks)}
