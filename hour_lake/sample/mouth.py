"""A mouth at every degree of opening, painted once: jaw and lower lip go down, teeth and a dark cavity appear."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hour_lake.sample.eyes import Shapes
from hour_lake.sample.folding import Box, Rows, curve, folded, sampled, smooth_step
from hour_lake.sample.planes import planes
from hour_lake.sample.portrait import CHIN, NOSE_BASE

LEVELS = 25
WIDEST = 0.30  # distance of the inner lips at 1, as a share of the mouth's width
UPPER_SHARE = 0.16  # of the opening is made by the upper lip
JAW_SHARE = 0.62  # of the lower lip's way is also made by the chin
UPPER_INNER = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308]
LOWER_INNER = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]
UPPER_OUTER = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291]
LOWER_OUTER = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291]
CAVITY = np.array([0.20, 0.06, 0.06], np.float32)
TEETH = np.array([0.82, 0.69, 0.61], np.float32)
TEETH_LENGTH = 0.085  # of the mouth's width, for a photograph that shows none


@dataclass(frozen=True, eq=False)
class Lips:
    """Heights of the lips in the photograph at each column of a box, and where the column lies."""

    top: Rows
    upper: Rows
    lower: Rows
    bottom: Rows
    across: Rows  # -1 and 1 at the corners
    width_px: float

    @property
    def arch(self) -> Rows:
        """How much of the widest opening each column gets: 1 in the middle, 0 from the corners on."""
        return np.clip(1 - (1.12 * self.across) ** 2, 0, 1) ** 0.9

    @property
    def jaw(self) -> Rows:
        """How far each column follows the jaw: 1 under the mouth, 0 at the box's sides."""
        return smooth_step(1.9 - np.abs(self.across))


def mouth_shapes(rgb: NDArray[np.float32], points: NDArray[np.floating]) -> Shapes:
    """From a picture of the face at rest and FaceMesh's points `(468, 2)` in that picture's pixels."""
    left, right, chin = points[61, 0], points[291, 0], points[CHIN, 1]
    margin = 0.5 * (right - left)
    box = Box.around(left - margin, points[NOSE_BASE, 1], right + margin, chin + 1.1 * margin)
    lips = _lips(points, box.columns)
    opened = [_opened(rgb, lips, chin, box, step / (LEVELS - 1)) for step in range(LEVELS)]
    return Shapes(box, tuple(planes(picture) for picture in opened))


def _lips(points: NDArray[np.floating], x: Rows) -> Lips:
    lines = [curve(points[line], x) for line in (UPPER_OUTER, UPPER_INNER, LOWER_INNER, LOWER_OUTER)]
    left, right = points[61, 0], points[291, 0]
    return Lips(*lines, across=2 * (x - left) / (right - left) - 1, width_px=right - left)


def _opened(rgb: NDArray[np.float32], lips: Lips, chin_y: float, box: Box, openness: float) -> NDArray[np.float32]:
    widest = openness * WIDEST * lips.width_px
    meeting = lips.upper + 0.3 * (lips.lower - lips.upper)
    upper = meeting - UPPER_SHARE * widest * lips.arch
    lower = meeting + (1 - UPPER_SHARE) * widest * lips.arch
    drop = (1 - UPPER_SHARE) * widest * lips.jaw
    nose, chin, neck = (np.full_like(upper, y) for y in (box.y + 1, chin_y, box.y + box.height - 2))
    skin = folded(
        rgb, box,
        (nose, lips.top, lips.upper, lips.lower, lips.bottom, chin, neck),
        (nose, lips.top - 0.05 * widest * lips.arch, upper, lower,
         lips.bottom + 0.9 * drop * lips.arch, chin + JAW_SHARE * drop, neck),
    )  # fmt: skip
    return _with_cavity(skin, rgb, lips, box, upper, lower)


def _with_cavity(
    skin: NDArray[np.float32], rgb: NDArray[np.float32], lips: Lips, box: Box, upper: Rows, lower: Rows
) -> NDArray[np.float32]:
    y = box.rows[:, None]
    edge_px = 0.012 * lips.width_px
    inside = smooth_step((y - upper) / edge_px) * smooth_step((lower - y) / edge_px)
    depth_px = np.maximum(y - upper, 0)
    dark = CAVITY * (1 - 0.5 * np.clip(depth_px / (0.3 * lips.width_px), 0, 1))[..., None]
    teeth, length_px = _teeth(rgb, lips, box, depth_px)
    visible = smooth_step((length_px - depth_px) / (0.045 * lips.width_px) + 0.5)[..., None]
    cavity = dark + visible * (teeth - dark)
    return (skin + inside[..., None] * (cavity - skin)).astype(np.float32)


def _teeth(
    rgb: NDArray[np.float32], lips: Lips, box: Box, depth_px: NDArray[np.floating]
) -> tuple[NDArray[np.floating], Rows]:
    """Colours of the upper teeth, and how long they are: the photograph's own under a smile, else an even row."""
    shown_px = lips.lower - lips.upper
    shade = 1 - 0.5 * np.clip(np.abs(lips.across), 0, 1) ** 2
    if shown_px.max() > TEETH_LENGTH * lips.width_px:
        return 0.95 * shade[None, :, None] * sampled(rgb, box, lips.upper + depth_px), 0.9 * shown_px
    under_lip = 0.45 + 0.55 * smooth_step(depth_px / (0.05 * lips.width_px))  # the lip's shadow
    row = np.clip(1 - (1.35 * lips.across) ** 4, 0, 1)
    return (under_lip * shade * (0.4 + 0.6 * row))[..., None] * TEETH, TEETH_LENGTH * lips.width_px * row
