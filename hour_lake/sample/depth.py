"""How deep a photographed head is at each place, and how much of a pose each place follows."""

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.sample.folding import smooth_step
from hour_lake.sample.portrait import CHIN, Portrait
from hour_lake.sample.pose import Grid, Head

DEPTH_GAIN = 1.45  # the smoothing takes depth away: with this, a turn of 18 degrees is measured as 18 degrees
SHRINK = 4  # the membrane is stretched on a smaller picture


def head(person: Portrait) -> Head:
    """Depth and weights of a portrait, at the photograph's own size."""
    height, width = person.alpha.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    size = person.face_height_px
    pivot_x, pivot_y = person.face_centre
    chin_y = float(person.mesh[CHIN, 1])
    depth, face = _depth(person)
    above_collar = smooth_step((chin_y + 0.35 * size - y) / (0.35 * size))
    body = cv2.GaussianBlur((person.alpha > 0.5).astype(np.float32), (0, 0), 0.12 * size)
    near = np.clip(1.6 * cv2.GaussianBlur(_dilated(person.alpha, 0.2 * size), (0, 0), 0.1 * size) - 0.3, 0, 1)
    ground = smooth_step((chin_y + 2.2 * size - y) / (2.2 * size))
    return Head(
        x - pivot_x, y - pivot_y, y - np.float32(chin_y + 0.25 * size), depth, face,
        (near * above_collar).astype(np.float32), (np.maximum(near, body) * ground).astype(np.float32),
    )  # fmt: skip


def _dilated(alpha: NDArray[np.float32], radius_px: float) -> NDArray[np.float32]:
    side = 2 * round(radius_px) + 1
    return np.asarray(cv2.dilate(alpha, np.ones((side, side), np.uint8)), np.float32)


def _depth(person: Portrait) -> tuple[Grid, Grid]:
    """z towards the camera, 0 at the ears, and how far a place is part of the face; both fade towards the outline."""
    height, width = person.alpha.shape
    small = (width // SHRINK, height // SHRINK)
    x, y = np.meshgrid(*(SHRINK * np.arange(side) + (SHRINK - 1) / 2 for side in small))
    inside = cv2.resize(_hull(person), small, interpolation=cv2.INTER_AREA) > 127
    towards = DEPTH_GAIN * np.maximum(np.percentile(person.mesh[:, 2], 94) - person.mesh[:, 2], 0)
    depth = np.zeros(x.shape)
    places = np.stack([x[inside], y[inside]], 1)
    depth[inside] = _smoothed(places, person.mesh[:, :2], towards, 0.055 * person.face_height_px)
    still = cv2.resize(person.alpha, small, interpolation=cv2.INTER_AREA) < 0.5
    still |= y > person.mesh[CHIN, 1] + 0.4 * person.face_height_px
    free = ~inside & ~still
    filled = [_relaxed(values, free) for values in (depth, inside.astype(np.float64))]
    soft = [cv2.GaussianBlur(values, (0, 0), 0.016 * person.face_height_px) for values in filled]
    large = [
        np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR), np.float32) for values in soft
    ]
    return large[0], large[1]


def _hull(person: Portrait) -> NDArray[np.uint8]:
    """255 where the face is."""
    face = np.zeros(person.alpha.shape, np.uint8)
    outline = cv2.convexHull(np.ascontiguousarray(person.mesh[:, :2]))
    cv2.fillConvexPoly(face, np.rint(outline).astype(np.int32), 255)
    return face


def _smoothed(
    places: NDArray[np.floating], known: NDArray[np.floating], values: NDArray[np.floating], sigma_px: float
) -> NDArray[np.float64]:
    """Values at places as the mean of the known ones near by, with Gaussian weights."""
    squared = np.square(places[:, None] - known[None]).sum(-1) / sigma_px**2
    weights = np.exp(-0.5 * (squared - squared.min(1, keepdims=True)))
    return (weights @ values.astype(np.float64)) / weights.sum(1)


def _relaxed(values: NDArray[np.float64], free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The free places filled so that each is the mean of its neighbours (a stretched membrane)."""
    for _ in range(600):
        values[free] = cv2.blur(values, (3, 3))[free]
    return values
