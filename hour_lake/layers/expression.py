"""Expression in three distances of the mesh that need no model: smile, raised corners of the mouth, raised brows."""

from typing import Any

import numpy as np

from hour_lake.layers import Table, layer

EYES = [33, 263]  # outer corners
MOUTH_CORNERS, LIPS = [61, 291], [13, 14]  # LIPS: the middle of the inner upper and lower lip
BROWS, LIDS = [105, 334], [159, 386]  # the middle of each brow and of the upper lid under it


@layer(
    reads="face_landmarks",
    group="face",
    columns={"mouth_width": "float32", "corner_raise": "float32", "brow_raise": "float32"},
    facts={
        "mouth_width_median": "median(mouth_width)",
        "corner_raise_median": "median(corner_raise)",
        "corner_raise_max": "max(corner_raise)",
        "brow_raise_median": "median(brow_raise)",
        "brow_raise_range": "max(brow_raise) - min(brow_raise)",
    },
)
def expression(face_landmarks: Table) -> dict[str, Any]:
    """All in distances between the outer corners of the eyes, along and across the line through them.

    A smile widens the mouth and lifts its corners above the middle of the lips (action unit 12 of the Facial Action
    Coding System), surprise and stress lift the brows (units 1 and 2). Faces differ: compare a person with themselves.
    """
    points = face_landmarks["points_px"].reshape(-1, 478, 2)
    across = points[:, EYES[1]] - points[:, EYES[0]]
    scale = np.linalg.norm(across, axis=1)
    up = np.column_stack([across[:, 1], -across[:, 0]]) / scale[:, None]

    def height(indices: list[int]) -> Any:
        return (points[:, indices].mean(axis=1) * up).sum(axis=1)

    return {
        "mouth_width": np.linalg.norm(points[:, MOUTH_CORNERS[1]] - points[:, MOUTH_CORNERS[0]], axis=1) / scale,
        "corner_raise": (height(MOUTH_CORNERS) - height(LIPS)) / scale,
        "brow_raise": (height(BROWS) - height(LIDS)) / scale,
    }
