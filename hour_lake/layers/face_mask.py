"""The main face and its lips as polygons, for losses that weigh them; `masks` draws them as pictures."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Table, layer

# The mesh's outer lips, once round: lower lip from the person's right corner, then back over the upper lip.
LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185]


@layer(
    reads="face_landmarks",
    group="face",
    columns={
        "hull_px": "list<float32>",  # x, y of the corners of the convex hull of the mesh, once round
        "lips_px": "float32[40]",  # x, y of 20 points round the outer lips
        "hull_area_px": "float32",
        "lips_area_px": "float32",
    },
    facts={
        "hull_area_px_mean": "avg(hull_area_px)",
        "lips_share_mean": "avg(lips_area_px / hull_area_px)",
        "lips_share_max": "max(lips_area_px / hull_area_px)",
    },
)
def face_mask(face_landmarks: Table) -> dict[str, Any]:
    """Areas are in square px of the clip. Without a face: no polygon and no area."""
    points = face_landmarks["points_px"].reshape(-1, 478, 2)[:, :468].astype(np.float32)
    hulls = [_hull(mesh) for mesh in points]
    lips = np.ascontiguousarray(points[:, LIPS])
    return {
        "hull_px": [hull.ravel() for hull in hulls],
        "lips_px": lips.reshape(-1, 40),
        "hull_area_px": np.array([cv2.contourArea(hull) if len(hull) else np.nan for hull in hulls]),
        "lips_area_px": np.array([np.nan if np.isnan(one).any() else cv2.contourArea(one) for one in lips]),
    }


def masks(face_mask: Table, *, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Face and lips as pictures, uint8 `(frames, height, width)`, 255 inside and 0 outside."""
    return (_drawn(face_mask["hull_px"], height, width), _drawn(face_mask["lips_px"], height, width))


def _hull(mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    if np.isnan(mesh).any():
        return np.empty((0, 2), np.float32)
    return np.asarray(cv2.convexHull(np.ascontiguousarray(mesh)), np.float32).reshape(-1, 2)


def _drawn(polygons: Any, height: int, width: int) -> NDArray[np.uint8]:
    pictures = np.zeros((len(polygons), height, width), np.uint8)
    for picture, polygon in zip(pictures, polygons, strict=True):
        if len(polygon) and not np.isnan(polygon).any():
            corners = np.round(polygon.reshape(-1, 2) * 16).astype(np.int32)  # cv2 takes sixteenths of a px
            cv2.fillPoly(picture, [corners], 255, lineType=cv2.LINE_8, shift=4)
    return pictures
