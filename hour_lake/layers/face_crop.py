"""The main face upright in the middle: a square clip in which the eyes stay at the same places.

A similarity (turn, scale, shift) puts the middles of both eyes at EYES of the square; each frame's is smoothed with
those of the frames before it. A frame without a face is black, has no matrix, and costs nobody else anything.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, Table, layer

SIDE_PX = 256  # LatentSync and MuseTalk train on 256
# The person's right and left eye (picture left and right), shares of the side. Ours: forehead to chin fits below 45 px.
EYES = np.array([[0.35, 0.4], [0.65, 0.4]])


@layer(
    reads=("frames", "face_landmarks"),
    group="face",
    clip_px=SIDE_PX,
    columns={
        "is_face": "bool",  # false: the picture is black
        "matrix": "float32[6]",  # row by row, 2 x 3: a point of the frame, px -> a point of the crop, px
        "scale": "float32",  # crop px a frame px; above 1 the crop is enlarged
    },
    facts={
        "face_share": "avg(is_face::INTEGER)",
        "scale_mean": "avg(scale)",
        "scale_max": "max(scale)",
    },
)
class face_crop:
    """Remembers the matrices of the last frames; a frame without a face, or a jump, starts again."""

    def __init__(self, *, smoothed_frames: int = 5, jump_px: float = 64.0) -> None:
        self.smoothed_frames, self.jump_px = smoothed_frames, jump_px
        self.last: list[NDArray[np.float64]] = []

    def __call__(self, frames: Frames, face_landmarks: Table) -> dict[str, Any]:
        """`pixels` is uint8 `(n, 256, 256, 3)`; `jump_px`: how far, in the crop, an eye may move between two frames."""
        matrices = np.full((len(frames), 6), np.nan)
        pixels = np.zeros((len(frames), SIDE_PX, SIDE_PX, 3), np.uint8)
        for k, eyes in enumerate(eye_middles_px(face_landmarks)):
            if np.isnan(eyes).any():
                self.last = []
                continue
            matrices[k] = self.smoothed(eyes).ravel()
            pixels[k] = cv2.warpAffine(frames.pixels[k], matrices[k].reshape(2, 3), (SIDE_PX, SIDE_PX))
        scale = np.hypot(matrices[:, 0], matrices[:, 3])
        return {"is_face": ~np.isnan(scale), "matrix": matrices, "scale": scale, "pixels": pixels}

    def smoothed(self, eyes: NDArray[np.float64]) -> NDArray[np.float64]:
        """The end of the straight line through the last matrices; unlike their mean it does not lag behind."""
        if self.last:
            moved_px = eyes @ self.last[-1][:, :2].T + self.last[-1][:, 2] - EYES * SIDE_PX
            self.last = self.last if np.abs(moved_px).max() <= self.jump_px else []
        self.last = [*self.last, similarity(eyes, EYES * SIDE_PX)][-self.smoothed_frames :]
        at = np.arange(len(self.last)) - (len(self.last) - 1) / 2
        weights = 1 / len(at) + at * at[-1] / (float(at @ at) or 1)
        return (weights[:, None, None] * np.array(self.last)).sum(axis=0)


def eye_middles_px(face_landmarks: Table) -> NDArray[np.float64]:
    """`(n, 2, 2)`, right then left: half way between an eye's corners, which a blink does not move."""
    eyes = [face_landmarks[name].reshape(-1, 16, 2)[:, [0, 8]].mean(axis=1) for name in ("right_eye_px", "left_eye_px")]
    return np.stack(eyes, axis=1).astype(np.float64)


def similarity(points: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (2, 3) that turns, scales and shifts two points to two places: as complex numbers, z -> u z + v."""
    (a, b), (c, d) = ((complex(*first), complex(*second)) for first, second in (points, places))
    u = (d - c) / (b - a)
    v = c - u * a
    return np.array([[u.real, -u.imag, v.real], [u.imag, u.real, v.imag]], np.float64)
