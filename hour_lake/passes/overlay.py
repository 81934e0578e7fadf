"""What a frame's row looks like on the frame: boxes, points and head directions, known by the names of columns."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.passes.arrays import Table
from hour_lake.passes.canvas import COLOURS, Colour

BOX = ("x_px", "y_px", "width_px", "height_px")
ANGLES = ("yaw_degrees", "pitch_degrees", "roll_degrees")


def draw_row(picture: NDArray[np.uint8], table: Table, row: int, *, scale: float, colour: Colour) -> None:
    """Draw on an RGB picture that is `scale` times the size of the frame."""
    for number, (x, y, width, height) in enumerate(_boxes(table, row)):
        corners = [(x * scale, y * scale), ((x + width) * scale, (y + height) * scale)]
        first, second = ([round(float(v)) for v in corner] for corner in corners)
        cv2.rectangle(picture, first, second, colour if number == 0 else COLOURS[3], 2, cv2.LINE_AA)
    for name, column in table.items():
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


def _points(picture: NDArray[np.uint8], points: NDArray[Any], colour: Colour) -> None:
    radius = 3 if len(points) <= 16 else 1
    for x, y in points[np.isfinite(points).all(axis=1)]:
        # Sixteenths of a px: a mesh drawn on whole px looks like a grid.
        cv2.circle(picture, (round(x * 16), round(y * 16)), radius * 16, colour, -1, cv2.LINE_AA, 4)


def _direction(picture: NDArray[np.uint8], yaw: float, pitch: float, roll: float) -> None:
    """An arrow in the corner: where the face points to; level and centred means into the camera."""
    if not np.isfinite([yaw, pitch, roll]).all():
        return
    size = picture.shape[0] // 6
    centre = (picture.shape[1] - size - 8, size + 8)
    cv2.circle(picture, centre, size, (255, 255, 255), 1, cv2.LINE_AA)
    tip = (round(centre[0] + size * np.sin(np.radians(yaw))), round(centre[1] - size * np.sin(np.radians(pitch))))
    cv2.arrowedLine(picture, centre, tip, COLOURS[1], 2, cv2.LINE_AA, tipLength=0.3)
    lean = size * np.array([np.cos(np.radians(roll)), np.sin(np.radians(roll))]) / 2
    ends = [[round(centre[k] + sign * lean[k]) for k in (0, 1)] for sign in (-1, 1)]
    cv2.line(picture, ends[0], ends[1], COLOURS[2], 1, cv2.LINE_AA)
