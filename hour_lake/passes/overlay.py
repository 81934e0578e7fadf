"""What a frame's row looks like on the frame: boxes, points and head directions, known by the names of columns."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.passes.arrays import Table
from hour_lake.passes.canvas import COLOURS, PANEL, QUIET, Colour

BOX = ("x_px", "y_px", "width_px", "height_px")
ANGLES = ("yaw_degrees", "pitch_degrees", "roll_degrees")


def draw_row(
    picture: NDArray[np.uint8], table: Table, row: int, *, scale: float, colour: Colour, others: Colour = COLOURS[3]
) -> None:
    """Draw on an RGB picture that is `scale` times the size of the frame. `others`: boxes after the first one."""
    for number, (x, y, width, height) in enumerate(_boxes(table, row)):
        corners = [(x * scale, y * scale), ((x + width) * scale, (y + height) * scale)]
        first, second = ([round(float(v)) for v in corner] for corner in corners)
        cv2.rectangle(picture, first, second, colour if number == 0 else others, 2, cv2.LINE_AA)
    for name, column in table.items():
        if name.endswith("_px") and column.dtype == object and name not in BOX:
            _outline(picture, column[row], scale, colour)
        if name.endswith("_px") and column.ndim == 2 and column.shape[1] % 2 == 0 and "depth" not in name:
            _points(picture, column[row].reshape(-1, 2) * scale, colour)
    if all(name in table for name in ANGLES):
        _direction(picture, *(float(table[name][row]) for name in ANGLES))


def _boxes(table: Table, row: int) -> Iterator[tuple[Any, ...]]:
    if all(name in table for name in BOX):
        values = [np.atleast_1d(table[name][row]) for name in BOX]
        for box in zip(*values, strict=False):
            if np.isfinite(box).all():
                yield box


def _outline(picture: NDArray[np.uint8], corners: NDArray[Any], scale: float, colour: Colour) -> None:
    """A polygon, from a list of x, y, x, y, ..."""
    if len(corners) % 2 == 0 and np.isfinite(corners).all():
        points = (corners.reshape(-1, 1, 2) * scale * 16).round().astype(np.int32)
        cv2.polylines(picture, [points], True, colour, 2, cv2.LINE_AA, 4)


def _points(picture: NDArray[np.uint8], points: NDArray[Any], colour: Colour) -> None:
    radius = 3.0 if len(points) <= 8 else 1.4 if len(points) <= 40 else 1.0
    for x, y in points[np.isfinite(points).all(axis=1)]:
        # Sixteenths of a px: a mesh drawn on whole px looks like a grid.
        cv2.circle(picture, (round(x * 16), round(y * 16)), round(radius * 16), colour, -1, cv2.LINE_AA, 4)


def _direction(picture: NDArray[np.uint8], yaw: float, pitch: float, roll: float) -> None:
    """An arrow in the corner: where the face points to; level and centred means into the camera."""
    if not np.isfinite([yaw, pitch, roll]).all():
        return
    size = picture.shape[0] // 7
    centre = (picture.shape[1] - size - 8, picture.shape[0] - size - 8)
    cv2.circle(picture, centre, size, PANEL, -1, cv2.LINE_AA)
    cv2.circle(picture, centre, size, QUIET, 1, cv2.LINE_AA)
    lean = size * np.array([np.cos(np.radians(roll)), np.sin(np.radians(roll))]) / 2
    ends = [[round(centre[k] + sign * lean[k]) for k in (0, 1)] for sign in (-1, 1)]
    cv2.line(picture, ends[0], ends[1], COLOURS[2], 2, cv2.LINE_AA)
    # The rim of the circle is 45 degrees: presenters seldom turn further, and small turns must be seen.
    turn = np.clip(np.array([yaw, -pitch]) / 45, -1, 1) * size
    tip = [round(centre[k] + float(turn[k])) for k in (0, 1)]
    cv2.arrowedLine(picture, centre, tip, COLOURS[1], 3, cv2.LINE_AA, tipLength=0.3)
