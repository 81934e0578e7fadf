"""The main face in points: 468 of the mesh with depth, the lids and irises of both eyes.

Each frame's crop comes from that frame's box in `face_boxes`, so the points follow the same person and never drift.
"""

from typing import Any

import numpy as np

from hour_lake.layers import Frames, Table, layer
from hour_lake.layers._main_face import main_box
from hour_lake.models.facemesh import find_mesh
from hour_lake.models.iris import find_eye

# Steps of 1/32 px: far below what the networks can tell, and the table is a third smaller.
STEPS_PER_PX = 32


@layer(
    reads=("frames", "face_boxes"),
    group="face",
    models=("facemesh", "iris"),
    columns={
        "presence": "float32",  # 0..1, how sure the mesh is of a face; missing without a box
        "points_px": "float32[956]",  # x, y of 468 mesh points, then 5 of the right iris, 5 of the left
        "depth_px": "float32[468]",  # of the mesh points; smaller is nearer
        "right_eye_px": "float32[32]",  # x, y of 16: 0-8 the lower lid, outer to inner corner, 9-15 the upper
        "left_eye_px": "float32[32]",  # the same; right and left are the person's own
    },
    facts={
        "presence_min": "min(presence)",
        "presence_mean": "avg(presence)",
        "seen_share": "avg((coalesce(presence, 0) >= 0.5)::INTEGER)",
    },
)
def face_landmarks(frames: Frames, face_boxes: Table) -> dict[str, Any]:
    """One row a frame; a frame without a face has no values."""
    rows: dict[str, Any] = {"presence": np.full(len(frames), np.nan, np.float32)}
    for name, width in (("points_px", 956), ("depth_px", 468), ("right_eye_px", 32), ("left_eye_px", 32)):
        rows[name] = np.full((len(frames), width), np.nan, np.float32)
    for k in np.flatnonzero(face_boxes["face_count"]):
        picture = frames.pixels[k]
        box = main_box(face_boxes, k)
        key_points = face_boxes["key_points_px"][k].reshape(6, 2)
        mesh = find_mesh(picture, box=box, key_points=key_points, asked_by="face_landmarks")
        right = find_eye(picture, mesh=mesh.points, side="right", asked_by="face_landmarks")
        left = find_eye(picture, mesh=mesh.points, side="left", asked_by="face_landmarks")
        rows["presence"][k] = mesh.presence
        rows["points_px"][k] = _stepped(np.vstack([mesh.points, right.iris, left.iris]))
        rows["depth_px"][k] = _stepped(mesh.depth)
        rows["right_eye_px"][k], rows["left_eye_px"][k] = _stepped(right.contour), _stepped(left.contour)
    return rows


def _stepped(values: Any) -> Any:
    return np.round(values * STEPS_PER_PX).ravel() / STEPS_PER_PX
