"""A photograph of a face for tests: put into frames, turned as a solid, its eyes shut."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, Table
from hour_lake.layers.face_boxes import face_boxes
from hour_lake.layers.face_landmarks import face_landmarks

Picture = NDArray[np.uint8]
DATA = Path(__file__).parent / "data"


@cache
def portrait() -> Picture:
    """A public-domain portrait (Grace Hopper, US Navy), RGB `(400, 320, 3)`."""
    return cv2.imread(str(DATA / "portrait.jpg"), cv2.IMREAD_COLOR_RGB)


def scene(*places: tuple[int, int, float], picture: Picture | None = None) -> Picture:
    """A grey 720p frame with the portrait at each (x, y, scale)."""
    frame = np.full((720, 1280, 3), 96, np.uint8)
    for x, y, scale in places:
        small = cv2.resize(portrait() if picture is None else picture, None, fx=scale, fy=scale)
        frame[y : y + small.shape[0], x : x + small.shape[1]] = small
    return frame


def frames_of(*pictures: Picture, first_index: int = 0) -> Frames:
    return Frames(np.stack(pictures), (first_index + np.arange(len(pictures))) / 25, first_index)


def landmarks_of(frames: Frames) -> Table:
    """The table of face_landmarks."""
    return face_landmarks(frames, face_boxes()(frames))


def eyes_shut(frame: Picture, landmarks: Table) -> Picture:
    """The frame with skin over both eyes and a line of lashes along the lower lids."""
    out = frame.copy()
    cheek = landmarks["points_px"][0].reshape(478, 2)[[50, 280]].round().astype(int)
    for name, (x, y) in zip(("right_eye_px", "left_eye_px"), cheek, strict=True):
        contour = landmarks[name][0].reshape(16, 2)
        middle, width = contour.mean(axis=0), float(np.linalg.norm(contour[8] - contour[0]))
        skin = out[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3).mean(axis=0) * 0.85
        axes = (round(0.56 * width), round(0.30 * width))
        cv2.ellipse(out, middle.round().astype(int).tolist(), axes, 0, 0, 360, skin.tolist(), -1, cv2.LINE_AA)
        lid = (contour[:9] + [0, 0.02 * width]).round().astype(np.int32)
        cv2.polylines(out, [lid], False, (60, 35, 30), max(2, round(0.05 * width)), cv2.LINE_AA)
    return out


def turned(frame: Picture, landmarks: Table, degrees: float) -> Picture:
    """The face turned about the axis between the ears, to the right of the picture, as a solid of triangles."""
    points = np.hstack([landmarks["points_px"][0].reshape(478, 2)[:468], landmarks["depth_px"][0][:, None]])
    solid = np.vstack([points, _rings(points)]).astype(np.float64)
    pivot = np.append(points[:, :2].mean(axis=0), points[[234, 454], 2].mean())
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    moved = (solid - pivot) @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]) + pivot
    out = np.full_like(frame, 96)
    corners = _triangles(solid[:, :2])
    for corner in corners[np.argsort(-moved[corners, 2].mean(axis=1))]:  # far ones first
        _paste(frame, out, solid[corner, :2], moved[corner, :2])
    return out


def _rings(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Two rings around the mesh, behind it: the sides of the head."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    middle, (width, height) = points[:, :2].mean(axis=0), np.ptp(points[:, :2], axis=0)
    ears = points[[234, 454], 2].mean()
    return np.vstack([
        np.c_[middle[0] + np.cos(angles) * width * wide, middle[1] + np.sin(angles) * height * high,
              np.full(40, ears + width * back)]
        for wide, high, back in ((0.6, 0.575, 0.1), (0.735, 0.7, 0.35))
    ])  # fmt: skip


def _triangles(points: NDArray[np.floating]) -> NDArray[np.int64]:
    low, high = points.min(axis=0) - 1, np.ceil(np.ptp(points, axis=0)) + 2
    mesh = cv2.Subdiv2D((0, 0, int(high[0]), int(high[1])))
    known = {}
    for number, point in enumerate((points - low).astype(np.float32)):
        mesh.insert(point.tolist())
        known[tuple(point.tolist())] = number
    corners = [[known.get(tuple(pair)) for pair in row.reshape(3, 2).tolist()] for row in mesh.getTriangleList()]
    return np.array([corner for corner in corners if None not in corner])


def _paste(frame: Picture, out: Picture, before: NDArray[np.floating], after: NDArray[np.floating]) -> None:
    def doubled_area(p: NDArray[np.floating]) -> float:
        return float((p[1, 0] - p[0, 0]) * (p[2, 1] - p[0, 1]) - (p[2, 0] - p[0, 0]) * (p[1, 1] - p[0, 1]))

    if doubled_area(before) * doubled_area(after) <= 0:
        return  # seen from behind
    low, high = np.floor(after.min(axis=0)).astype(int) - 1, np.ceil(after.max(axis=0)).astype(int) + 2
    (x, y), (width, height) = low.tolist(), (high - low).tolist()
    matrix = cv2.getAffineTransform(before.astype(np.float32), (after - low).astype(np.float32))
    piece = cv2.warpAffine(frame, matrix, (width, height))
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.round((after - low) * 16).astype(np.int32), 1, shift=4)
    out[y : y + height, x : x + width][mask > 0] = piece[mask > 0]
