"""How fast the head moves: turning in degrees a second, shifting in face widths a second."""

from typing import Any

import numpy as np

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Table, layer

# Points of the mesh that speech does not move: temples, bridge of the nose, inner corners of the eyes.
STEADY = [127, 356, 6, 133, 362]
RIGHT_SIDE, LEFT_SIDE = 234, 454


@layer(
    reads=("head_pose", "face_landmarks"),
    group="face",
    columns={"degrees_per_second": "float32", "widths_per_second": "float32"},
    facts={
        "degrees_per_second_mean": "avg(degrees_per_second)",
        "degrees_per_second_max": "max(degrees_per_second)",
        "widths_per_second_mean": "avg(widths_per_second)",
        "widths_per_second_max": "max(widths_per_second)",
    },
)
def head_motion(head_pose: Table, face_landmarks: Table) -> dict[str, Any]:
    """Since the frame before; the first frame, and one without a face before it, has no value.

    Turning is the length of the step in yaw, pitch and roll; TalkVid tolerates 30 degrees a frame, which is 750 a
    second. Shifting is that of the points which speech does not move, over the distance of the ears.
    """
    angles = np.column_stack([head_pose[name] for name in ("yaw_degrees", "pitch_degrees", "roll_degrees")])
    points = face_landmarks["points_px"].reshape(-1, 478, 2)
    width = np.linalg.norm(points[:, LEFT_SIDE] - points[:, RIGHT_SIDE], axis=1)
    place = points[:, STEADY].mean(axis=1)
    return {
        "degrees_per_second": FRAME_RATE * _step(angles),
        "widths_per_second": FRAME_RATE * _step(place) / width,
    }


def _step(values: Any) -> Any:
    return np.linalg.norm(np.diff(values, axis=0, prepend=np.full((1, values.shape[1]), np.nan)), axis=1)
