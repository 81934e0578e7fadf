"""Where the eyes look, against the head: degrees, from the irises between the corners of the eyes.

Positive is to the right of the picture and up, as in `head_pose`; a look into the camera is the sum of both near 0.
"""

from typing import Any

import numpy as np

from hour_lake.layers import Table, layer

# An adult's eyeball has a radius of 12 mm, the corners of an eye are 30 mm apart (Bekerman et al. 2014; anthropometry).
EYEBALL_OVER_WIDTH = 12 / 30
SIDES = ("right", "left")


@layer(
    reads="face_landmarks",
    group="face",
    columns={"yaw_degrees": "float32", "pitch_degrees": "float32"},
    facts={
        "yaw_mean": "avg(yaw_degrees)",
        "yaw_spread": "stddev_pop(yaw_degrees)",
        "pitch_mean": "avg(pitch_degrees)",
        "pitch_spread": "stddev_pop(pitch_degrees)",
        "known_share": "avg((yaw_degrees IS NOT NULL)::INTEGER)",
    },
)
def gaze(face_landmarks: Table, *, closed_below: float = 0.12) -> dict[str, Any]:
    """Mean of both eyes. An eye with lids nearer than `closed_below` of its width is shut and has no gaze.

    The iris' way from the middle between the corners, over the eyeball's radius, is the sine of the angle. The middle
    of the lids lies above the corners, so pitch has an offset that differs between people: compare it with its mean.
    """
    irises = face_landmarks["points_px"].reshape(-1, 478, 2)[:, [468, 473]]
    eyes = [_eye(face_landmarks[f"{side}_eye_px"], irises[:, k], closed_below) for k, side in enumerate(SIDES)]
    yaw, pitch = np.moveaxis(np.array(eyes), 2, 0)
    return {"yaw_degrees": _mean(yaw), "pitch_degrees": _mean(pitch)}


def _eye(contour_px: Any, iris: Any, closed_below: float) -> Any:
    contour = contour_px.reshape(-1, 16, 2)
    corners = contour[:, [0, 8]]
    across = corners[:, 1] - corners[:, 0]
    across = np.where(across[:, :1] < 0, -across, across)  # from the left to the right of the picture
    width = np.linalg.norm(across, axis=1, keepdims=True)
    right = across / width
    up = np.column_stack([right[:, 1], -right[:, 0]])
    way = (iris - corners.mean(axis=1)) / width / EYEBALL_OVER_WIDTH
    sines = np.column_stack([(way * right).sum(axis=1), (way * up).sum(axis=1)])
    gap = np.linalg.norm(contour[:, 1:8] - contour[:, 9:16], axis=2).mean(axis=1) / width[:, 0]
    return np.where((gap >= closed_below)[:, None], np.degrees(np.arcsin(np.clip(sines, -1, 1))), np.nan)


def _mean(of_eyes: Any) -> Any:
    known = np.count_nonzero(~np.isnan(of_eyes), axis=0)
    return np.where(known > 0, np.nansum(of_eyes, axis=0) / np.maximum(known, 1), np.nan)
