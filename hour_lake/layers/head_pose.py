"""Where the head is turned to: yaw, pitch and roll in degrees, from the directions in which the mesh lies.

Seen in the picture: yaw is positive when the face turns to the right of the picture, pitch when it turns up, roll when
the head leans to the right of the picture. All are about 0 for a person who looks straight into the camera.
"""

from typing import Any

import numpy as np

from hour_lake.layers import Table, layer

# Points of the mesh that mirror each other, picture left and right, on the parts that speech does not move.
LEFT, RIGHT = [234, 127, 93, 132, 33], [454, 356, 323, 361, 263]
FOREHEAD, CHIN = 10, 152


@layer(
    reads="face_landmarks",
    columns={
        "yaw_degrees": "float32",
        "pitch_degrees": "float32",
        "roll_degrees": "float32",
        "turn_degrees": "float32",
    },
    facts={
        "yaw_mean": "avg(yaw_degrees)",
        "yaw_abs_max": "max(abs(yaw_degrees))",
        "yaw_range": "max(yaw_degrees) - min(yaw_degrees)",
        "pitch_mean": "avg(pitch_degrees)",
        "pitch_abs_max": "max(abs(pitch_degrees))",
        "roll_abs_max": "max(abs(roll_degrees))",
        "turn_max": "max(turn_degrees)",
    },
)
def head_pose(face_landmarks: Table, *, yaw_gain: float = 1.3, pitch_zero_degrees: float = -8.0) -> dict[str, Any]:
    """`turn_degrees` is how far the face has turned since the frame before.

    `yaw_gain`: the mesh follows 0.72 to 0.81 of a turn (two portraits turned by known angles of up to 40 degrees).
    `pitch_zero_degrees`: what the mesh says of these two, who look into the camera.
    """
    points = np.dstack([face_landmarks["points_px"].reshape(-1, 478, 2)[:, :468], face_landmarks["depth_px"]])
    right = _unit((points[:, RIGHT] - points[:, LEFT]).sum(axis=1))  # along x of the picture, when looking into it
    back = _unit(np.cross(right, points[:, CHIN] - points[:, FOREHEAD]))  # away from the camera
    down = np.cross(back, right)
    yaw = yaw_gain * np.degrees(np.arctan2(-back[:, 0], back[:, 2]))
    pitch = np.degrees(np.arcsin(back[:, 1])) - pitch_zero_degrees
    roll = np.degrees(np.arctan2(right[:, 1], down[:, 1]))
    turn = np.hypot(np.diff(yaw, prepend=np.nan), np.diff(pitch, prepend=np.nan))
    return {"yaw_degrees": yaw, "pitch_degrees": pitch, "roll_degrees": roll, "turn_degrees": turn}


def _unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
