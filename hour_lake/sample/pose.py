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

from hour_lake.sample.folding import smooth_step
from hour_lake.sample.portrait import CHIN, Portrait

DEPTH_GAIN = 1.45  # the smoothing takes depth away: with this, a turn of 18 degrees is measured as 18 degrees
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
        """The same in another picture, on a grid of every 8th pixel; `matrix` `(2, 3)` maps pixels, one scale for both."""
        scale = float(matrix[0, 0])
        columns, rows = -(-size[0] // STEP_PX), -(-size[1] // STEP_PX)
        shrunk = np.float32(matrix / STEP_PX)
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
        """Where each place goes, minus where it is: float32 `(height, width, 2)`; `scale` pixels for one of the photograph."""
        turn = rotation(pose).astype(np.float32)
        out = np.empty((*self.x.shape, 2), np.float32)
        roll = np.radians(pose.roll_degrees)
        for axis, own in enumerate((self.x, self.y)):
            moved = turn[axis, 0] * self.x + turn[axis, 1] * self.y + turn[axis, 2] * self.depth
            out[..., axis] = self.turning * (moved - own)
        tilt = np.float32([np.cos(roll) - 1, np.sin(roll)])
        out[..., 0] += self.tilting * (tilt[0] * self.x - tilt[1] * self.neck_y)
        out[..., 1] += self.tilting * (tilt[1] * self.x + tilt[0] * self.neck_y)
        out += self.swaying[..., None] * np.float32([scale * pose.shift_x_px, scale * pose.shift_y_px])
        return out


def rotation(pose: Pose) -> NDArray[np.float64]:
    """Yaw, then pitch, as a matrix `(3, 3)` for x to the right, y down, z towards the camera."""
    yaw, pitch = np.radians(pose.yaw_degrees), np.radians(-pose.pitch_degrees)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    return about_x @ about_y


def head(person: Portrait) -> Head:
    """Depth and weights of a portrait, at the photograph's own size."""
    height, width = person.alpha.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    size = person.face_height_px
    pivot_x, pivot_y = person.face_centre
    chin_y = float(person.mesh[CHIN, 1])
    depth, face = _depth(person)
    above_collar = smooth_step((chin_y + 0.35 * size - y) / (0.35 * size))
    body = cv2.GaussianBlur(np.float32(person.alpha > 0.5), (0, 0), 0.12 * size)
    near = np.clip(1.6 * cv2.GaussianBlur(_dilated(person.alpha, 0.2 * size), (0, 0), 0.1 * size) - 0.3, 0, 1)
    ground = smooth_step((chin_y + 2.2 * size - y) / (2.2 * size))
    return Head(
        x - pivot_x, y - pivot_y, y - np.float32(chin_y + 0.25 * size), depth, face,
        np.float32(near * above_collar), np.float32(np.maximum(near, body) * ground),
    )  # fmt: skip


def _dilated(alpha: NDArray[np.float32], radius_px: float) -> NDArray[np.float32]:
    side = 2 * round(radius_px) + 1
    return np.asarray(cv2.dilate(alpha, np.ones((side, side), np.uint8)), np.float32)


def _depth(person: Portrait) -> tuple[Grid, Grid]:
    """z towards the camera, 0 at the ears, and how far a place is part of the face; both fade out towards the outline."""
    height, width = person.alpha.shape
    small = (width // 4, height // 4)
    x, y = np.meshgrid(4 * np.arange(small[0]) + 1.5, 4 * np.arange(small[1]) + 1.5)
    hull = cv2.convexHull(np.ascontiguousarray(person.mesh[:, :2]))
    face = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(face, np.rint(hull).astype(np.int32), 255)
    inside = cv2.resize(face, small, interpolation=cv2.INTER_AREA) > 127
    towards = DEPTH_GAIN * np.maximum(np.percentile(person.mesh[:, 2], 94) - person.mesh[:, 2], 0)
    depth = np.zeros(x.shape)
    depth[inside] = _smoothed(
        np.stack([x[inside], y[inside]], 1), person.mesh[:, :2], towards, 0.055 * person.face_height_px
    )
    still = cv2.resize(person.alpha, small, interpolation=cv2.INTER_AREA) < 0.5
    still |= y > person.mesh[CHIN, 1] + 0.4 * person.face_height_px
    free = ~inside & ~still
    part = inside.astype(np.float64)
    depth, part = _relaxed(depth, free), _relaxed(part, free)
    back, soft = (width, height), 0.016 * person.face_height_px
    return (
        np.asarray(cv2.resize(cv2.GaussianBlur(depth, (0, 0), soft), back, interpolation=cv2.INTER_LINEAR), np.float32),
        np.asarray(cv2.resize(cv2.GaussianBlur(part, (0, 0), soft), back, interpolation=cv2.INTER_LINEAR), np.float32),
    )


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
    at = np.float32((points + 0.5) / STEP_PX - 0.5)
    step = cv2.remap(displacement, at[:, 0], at[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return points + step.reshape(-1, 2).astype(np.float64)
