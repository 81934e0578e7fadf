"""The main face in the 106 points of InsightFace. Its weights are for research only, so this layer is too."""

from typing import Any

import numpy as np

from hour_lake.layers import Frames, Table, layer
from hour_lake.layers._main_face import main_box
from hour_lake.models.landmarks_106 import POINTS, find_points


@layer(
    reads=("frames", "face_boxes"),
    group="face",
    opt_in=True,
    models=("insightface_2d106det",),
    columns={"points_px": f"float32[{2 * POINTS}]"},  # x, y of each, in the order of InsightFace
    facts={"seen_share": "avg((points_px IS NOT NULL)::INTEGER)"},
)
def face_landmarks_106(frames: Frames, face_boxes: Table) -> dict[str, Any]:
    """One row a frame; a frame without a face has no points.

    They have no depth and no irises, and the network does not say whether it sees a face: blink, gaze, mouth and head
    pose rest on `face_landmarks`. It knows the boxes of InsightFace's own detector best (`face_boxes` with the provider
    `insightface`).
    """
    points = np.full((len(frames), 2 * POINTS), np.nan, np.float32)
    for k in np.flatnonzero(face_boxes["face_count"]):
        box = main_box(face_boxes, k)
        points[k] = find_points(frames.pixels[k], box=box, asked_by="face_landmarks_106").ravel()
    return {"points_px": points}
