"""Turning a head that exists only as one photograph: depth from the mesh, a rigid rotation, a map to fetch pixels by.

Positions are relative to a pivot between the ears, z towards the camera. A point of the face goes where the rotation
takes it; hair and hat follow with less and less depth, and the head's outline, the body and the backdrop keep still:

    nose tip, z = 60 px, yaw 20 deg:  moves 60 * sin(20 deg) = 21 px sideways        outline, z = 0: stays
"""

from dataclasses import dataclass, fields
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

STILL = 0.004  # a place that follows less than this is taken not to move
STEP_PX = 8  # a map is worked out on every 8th pixel and stretched
Grid = NDArray[np.float32]


@dataclass(frozen=True)
class Pose:
    """How a head is turned and shifted against the photograph. Degrees; pixels of the photograph.

    Yaw: positive turns the nose towards larger x. Pitch: positive is up. Roll: positive is clockwise in the picture.
    """

    yaw_degrees: float = 0.0
    pitch_degrees: float = 0.0
    roll_degrees: float = 0.0
    shift_x_px: float = 0.0
    shift_y_px: float = 0.0


@dataclass(frozen=True, eq=False)
class Head:
    """What a pose needs to know about each place: all float32 `(height, width)`, in one picture's pixels.

    `x`, `y`: from the pivot, `neck_y`: from the neck; `depth`: z towards the camera; `turning`, `tilting`, `swaying`:
    how much of the rotation, of the roll and of the shift a place follows, 0..1.
    """

    x: Grid
    y: Grid
    neck_y: Grid
    depth: Grid
    turning: Grid
    tilting: Grid
    swaying: Grid

    def placed(self, matrix: NDArray[np.float32], size: tuple[int, int]) -> "Head":
        """The same in another picture, on a grid of every 8th pixel; `matrix` `(2, 3)` maps pixels."""
        scale = float(matrix[0, 0])
        columns, rows = -(-size[0] // STEP_PX), -(-size[1] // STEP_PX)
        shrunk = (matrix / STEP_PX).astype(np.float32)
        shrunk[:, 2] += 0.5 / STEP_PX - 0.5
        border = {"turning": 0.0, "tilting": 0.0, "swaying": 0.0}
        made = {
            f.name: np.asarray(cv2.warpAffine(
                getattr(self, f.name), shrunk, (columns, rows), flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT if f.name in border else cv2.BORDER_REPLICATE), np.float32)
            for f in fields(self)
        }  # fmt: skip
        lengths = {name: made[name] * np.float32(scale) for name in ("x", "y", "neck_y", "depth")}
        return Head(**{**made, **lengths})

    def window(self, rows: slice, columns: slice) -> "Head":
        """A part of the grid."""
        return Head(**{f.name: getattr(self, f.name)[rows, columns] for f in fields(self)})

    @property
    def moves(self) -> NDArray[np.bool_]:
        """Which places some pose moves."""
        return np.maximum(np.maximum(self.turning, self.tilting), self.swaying) > STILL

    def displacement(self, pose: Pose, scale: float) -> Grid:
        """Where each place goes, minus where it is, `(height, width, 2)`; `scale`: pixels for one of the photograph."""
        turn = rotation(pose).astype(np.float32)
        out = np.empty((*self.x.shape, 2), np.float32)
        roll = np.radians(pose.roll_degrees)
        for axis, own in enumerate((self.x, self.y)):
            moved = turn[axis, 0] * self.x + turn[axis, 1] * self.y + turn[axis, 2] * self.depth
            out[..., axis] = self.turning * (moved - own)
        tilt = np.array([np.cos(roll) - 1, np.sin(roll)], np.float32)
        out[..., 0] += self.tilting * (tilt[0] * self.x - tilt[1] * self.neck_y)
        out[..., 1] += self.tilting * (tilt[1] * self.x + tilt[0] * self.neck_y)
        out += self.swaying[..., None] * np.array([scale * pose.shift_x_px, scale * pose.shift_y_px], np.float32)
        return out


def rotation(pose: Pose) -> NDArray[np.float64]:
    """Yaw, then pitch, as a matrix `(3, 3)` for x to the right, y down, z towards the camera."""
    yaw, pitch = np.radians(pose.yaw_degrees), np.radians(-pose.pitch_degrees)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    return about_x @ about_y


def settled(displacement: Grid) -> Grid:
    """For each place of the grid, minus the way to where its pixel comes from.

    A place q is fetched from p where p + d(p) = q; three rounds of p = q - d(p) settle it to a tenth of a pixel.
    """
    own_x, own_y = _own(displacement.shape[1], displacement.shape[0])
    back = displacement
    for _ in range(3):
        at_x, at_y = own_x - back[..., 0] / STEP_PX, own_y - back[..., 1] / STEP_PX
        back = cv2.remap(displacement, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(back, np.float32)


def fetched(plane: NDArray[np.uint8], back: Grid, corner: tuple[int, int], *, step_px: int) -> NDArray[np.uint8]:
    """The part of a plane that the settled grid covers from `corner` (x, y) on, each pixel fetched from its source.

    `step_px` is how many of the plane's own pixels lie between two places of the grid.
    """
    rows, columns = back.shape[0] * step_px, back.shape[1] * step_px
    way = cv2.resize(back, (columns, rows), interpolation=cv2.INTER_LINEAR)
    x, y = _own(columns, rows)
    scale = np.float32(step_px / STEP_PX)
    at_x, at_y = x + np.float32(corner[0]) - scale * way[..., 0], y + np.float32(corner[1]) - scale * way[..., 1]
    return np.asarray(cv2.remap(plane, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


@cache
def _own(columns: int, rows: int) -> tuple[Grid, Grid]:
    """x and y of each place of a grid; not to be written to."""
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return x, y


def moved(points: NDArray[np.floating], displacement: Grid) -> NDArray[np.float64]:
    """Where points `(n, 2)` of the picture go."""
    at = ((points + 0.5) / STEP_PX - 0.5).astype(np.float32)
    step = cv2.remap(displacement, at[:, 0], at[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return points + step.reshape(-1, 2).astype(np.float64)
