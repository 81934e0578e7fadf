"""SCRFD 10G (InsightFace): the faces in a picture, each with five key points. Its licence is for research only.

SCRFD: Guo et al., Sample and Computation Redistribution for Efficient Face Detection, 2021.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.models.blazeface import Face
from hour_lake.models.network import Floats
from hour_lake.models.onnx_network import onnx_network

SIZE, STRIDES, ANCHORS, OVERLAP = 640, (8, 16, 32), 2, 0.4


def find_faces(picture: NDArray[np.uint8], *, min_score: float, asked_by: str) -> list[Face]:
    """The faces of an RGB picture, best score first."""
    height, width = picture.shape[:2]
    scale = SIZE / max(height, width)
    square = np.zeros((SIZE, SIZE, 3), np.uint8)  # the picture lies in the upper left corner
    small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
    square[: small.shape[0], : small.shape[1]] = small
    values = (square.astype(np.float32).transpose(2, 0, 1)[None] - np.float32(127.5)) / np.float32(128)
    outputs = onnx_network("insightface_det_10g", asked_by)(values)
    return [face.scaled(1 / scale) for face in decoded(outputs, min_score=min_score)]


def decoded(outputs: Sequence[Floats], *, min_score: float, size: int = SIZE) -> list[Face]:
    """Faces from the nine outputs: scores `(n, 1)`, distances `(n, 4)` and points `(n, 10)`, each for 3 strides.

    A distance is from a cell's corner to the box's left, top, right and bottom, in strides; n = 2 (size / stride)^2.
    """
    boxes, points, scores = (np.concatenate(part) for part in zip(*_by_stride(outputs, size), strict=True))
    keep = np.flatnonzero(scores >= min_score)
    if len(keep) == 0:
        return []
    best = cv2.dnn.NMSBoxes(boxes[keep].tolist(), scores[keep].tolist(), min_score, OVERLAP)
    return [Face(float(scores[k]), boxes[k], _six(points[k])) for k in keep[np.asarray(best, dtype=int).ravel()]]


def _by_stride(outputs: Sequence[Floats], size: int) -> list[tuple[Floats, Floats, Floats]]:
    found: list[tuple[Floats, Floats, Floats]] = []
    for k, stride in enumerate(STRIDES):
        score, distance, point = (np.asarray(outputs[k + 3 * kind], np.float32) for kind in range(3))
        cells = np.arange(size // stride, dtype=np.float32) * np.float32(stride)
        y, x = np.meshgrid(cells, cells, indexing="ij")
        corner = np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), ANCHORS, axis=0).astype(np.float32)
        distance, step = distance.reshape(-1, 4) * np.float32(stride), point.reshape(-1, 5, 2) * np.float32(stride)
        box = np.hstack([corner - distance[:, :2], distance[:, :2] + distance[:, 2:]])
        points = (corner[:, None] + step).astype(np.float32)
        found.append((box.astype(np.float32), points, score.reshape(-1)))
    return found


def _six(points: Floats) -> Floats:
    """Its eyes, nose and corners of the mouth as BlazeFace's six points: the mouth's middle, and no ears (NaN)."""
    return np.vstack([points[:3], points[3:].mean(axis=0), np.full((2, 2), np.nan)]).astype(np.float32)
