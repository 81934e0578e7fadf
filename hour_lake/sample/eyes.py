"""An eye at every degree of closing, painted once: the upper lid's skin slides down over the eyeball."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.sample.folding import Box, Rows, curve, folded, smooth_step
from hour_lake.sample.planes import Planes, planes

LEVELS = 17
LOWER_LID_SHARE = 0.12  # of the opening is closed by the lower lid
LID_SHADE, LID_SHARE, LID_ABOVE = 0.9, 0.9, 0.8
LASHES = np.array([0.16, 0.10, 0.08], np.float32)


@dataclass(frozen=True, eq=False)
class Shapes:
    """Pictures of one part of a face for values 0..1 in even steps, and where they belong."""

    box: Box
    pictures: tuple[Planes, ...]

    def at(self, value: float) -> Planes:
        """The picture for the nearest step."""
        return self.pictures[round(value * (len(self.pictures) - 1))]


def eye_shapes(rgb: NDArray[np.float32], lids: NDArray[np.floating], brow_y_px: float) -> Shapes:
    """From a picture with the eye open, its contour `(16, 2)` in that picture's pixels, and where the brow ends."""
    (left, _), (right, _) = lids.min(0), lids.max(0)
    width = right - left
    bottom = lids[:, 1].max()
    box = Box.around(left - 0.25 * width, brow_y_px - 2, right + 0.25 * width, bottom + 0.35 * width)
    pictures = tuple(planes(_closed(rgb, lids, brow_y_px, box, step / (LEVELS - 1))) for step in range(LEVELS))
    return Shapes(box, pictures)


def _closed(
    rgb: NDArray[np.float32], lids: NDArray[np.floating], brow_y_px: float, box: Box, closure: float
) -> NDArray[np.float32]:
    x = box.columns
    corners = lids[[0, 8]]
    upper, lower = curve(np.vstack([corners, lids[9:]]), x), curve(lids[:9], x)
    meeting = lower - LOWER_LID_SHARE * (lower - upper)
    new_upper, new_lower = upper + closure * (meeting - upper), lower + closure * (meeting - lower)
    top = np.full_like(x, brow_y_px)
    floor = np.full_like(x, lids[:, 1].max() + 0.3 * np.ptp(lids[:, 0]))
    skin = folded(rgb, box, (top, upper, lower, floor), (top, new_upper, new_lower, floor))
    y = box.rows[:, None]
    skin = _lidded(skin, y, upper, new_upper, lower, box)
    inside = smooth_step(y - new_upper + 0.5) * smooth_step(new_lower - y + 0.5)
    picture = skin + inside[..., None] * (box.of(rgb) - skin)
    return _with_lashes(
        picture, y - new_upper, closure * smooth_step((lower - upper) / 2), 0.018 * float(np.ptp(lids[:, 0]))
    )


def _lidded(
    skin: NDArray[np.float32], y: Rows, upper: Rows, new_upper: Rows, lower: Rows, box: Box
) -> NDArray[np.float32]:
    """Where the lid now lies, nothing darker than skin in the shade: a stretched dark crease looks like an open eye."""
    gap = lower - upper
    cheek = skin[(y > lower + 0.6 * gap.max()) & (y < lower + 1.1 * gap.max())]
    colour = np.median(cheek, axis=0) * np.float32(LID_SHADE)
    covered = np.clip((new_upper - upper) / max(0.5 * gap.max(), 1), 0, 1)
    from_crease = smooth_step((y - upper + LID_ABOVE * gap) / np.maximum((LID_ABOVE + 0.7) * gap, 1))
    area = (from_crease * (y < new_upper + 1) * covered).astype(np.float32)
    soft = cv2.GaussianBlur(area, (0, 0), 0.16 * gap.max() + 0.5)
    share = LID_SHARE * np.clip(1.5 * soft, 0, 1) * smooth_step(new_upper - y + 0.5)
    return (skin + share[..., None] * np.maximum(colour - skin, 0)).astype(np.float32)


def _with_lashes(
    picture: NDArray[np.floating], below_px: NDArray[np.floating], strength: NDArray[np.floating], sigma_px: float
) -> NDArray[np.float32]:
    line = 0.75 * strength * np.exp(-0.5 * np.square(below_px / max(sigma_px, 0.7)))
    return (picture + line[..., None] * (LASHES - picture)).astype(np.float32)
