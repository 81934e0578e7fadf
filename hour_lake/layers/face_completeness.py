"""How much of the main face lies within the picture."""

from typing import Any

import numpy as np

from hour_lake.layers import Frames, Table, layer

# Of the mesh: outer corners of the eyes, tip of the nose, corners of the mouth.
FIVE = [33, 263, 1, 61, 291]


@layer(
    reads=("frames", "face_landmarks"),
    group="face",
    columns={"points_share": "float32", "mesh_share": "float32"},
    facts={
        "points_share_mean": "avg(points_share)",
        "points_share_min": "min(points_share)",
        "mesh_share_mean": "avg(mesh_share)",
        "mesh_share_min": "min(mesh_share)",
    },
)
def face_completeness(frames: Frames, face_landmarks: Table) -> dict[str, Any]:
    """`points_share`: of five points (eyes, nose, mouth), TalkVid's measure, which asks for all in every frame.

    `mesh_share`: of the 468 points of the mesh, which also sees a chin or a brow that is cut off.
    """
    height, width = frames.pixels.shape[1:3]
    points = face_landmarks["points_px"].reshape(-1, 478, 2)[:, :468]
    within = ((points >= 0) & (points < (width, height))).all(axis=2)
    inside = np.where(np.isnan(points).any(axis=2), np.nan, within)
    return {"points_share": inside[:, FIVE].mean(axis=1), "mesh_share": inside.mean(axis=1)}
