"""Whose face it is, as the 512 numbers of ArcFace. Its weights are for research only; those of `identity` are free."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, Table, frames, layer
from hour_lake.layers._by_cosine import middle_and_spread
from hour_lake.layers._main_face import worth_a_look
from hour_lake.models.arcface import NUMBERS, embedding

NOSE, MOUTH = 1, [61, 291]  # of the mesh: the tip, the corners
EYE = [0, 8]  # of the lid: the corners
MARKS = ("points_px", "right_eye_px", "left_eye_px")


@layer(
    reads=(frames(fps=0.5), "face_boxes", "face_landmarks"),
    rows="segment",
    group="face",
    opt_in=True,
    models=("insightface_w600k_r50",),
    memory_gib=2,
    columns={"embedding": f"float32[{NUMBERS}]", "spread": "float32", "looks": "int16"},
    facts={"embedding": "first(embedding)", "spread": "first(spread)", "looks": "first(looks)"},
)
class face_embedding:
    """Looks at the main face every two seconds, as `identity` does."""

    def __init__(self, *, least_inside_share: float = 0.9, least_side_px: float = 40) -> None:
        self.asked = {"least_inside_share": least_inside_share, "least_side_px": least_side_px}
        self.found: list[Any] = []

    def __call__(self, frames: Frames, face_boxes: Table, face_landmarks: Table) -> None:
        """Faces that are cut off or tiny are not looked at."""
        for k, _ in worth_a_look(face_boxes, **self.asked):
            points = five_points(*(face_landmarks[name][k] for name in MARKS))
            self.found.append(embedding(frames.pixels[k], points=points, asked_by="face_embedding"))

    def finish(self) -> dict[str, Any]:
        """`embedding`: the mean of the looks, of length 1. `spread`: the largest distance of a look from it.

        Distance is 1 less the cosine: InsightFace calls two faces one person up to 0.6. Without a face there is no
        embedding.
        """
        if not self.found:
            return {"embedding": np.full(NUMBERS, np.nan, np.float32), "spread": np.nan, "looks": 0}
        middle, spread = middle_and_spread(np.array(self.found))
        return {"embedding": middle, "spread": spread, "looks": len(self.found)}


def five_points(mesh: Any, right_eye: Any, left_eye: Any) -> NDArray[np.floating]:
    """`(5, 2)` px: the middles of the eyes, the tip of the nose, the corners of the mouth; the person's right first."""
    points = mesh.reshape(-1, 2)
    eyes = [eye.reshape(-1, 2)[EYE].mean(axis=0) for eye in (right_eye, left_eye)]
    return np.array([*eyes, points[NOSE], *points[MOUTH]])
