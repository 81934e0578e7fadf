"""Sharpness: how strongly neighbouring pixels differ (variance of the Laplacian), of the frame and of the face."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, Table, layer

FACE_SIDE_PX = 128


@layer(
    reads=("frames", "face_boxes"),
    columns={"frame_sharpness": "float32", "face_sharpness": "float32"},
    facts={
        "mean": "avg(frame_sharpness)",
        "min": "min(frame_sharpness)",
        "face_mean": "avg(face_sharpness)",
        "face_min": "min(face_sharpness)",
    },
)
def sharpness(frames: Frames, face_boxes: Table) -> dict[str, Any]:
    """The frame is looked at 320 px wide, the main face 128 px wide, so clips of any size compare.

    A face of fewer pixels is enlarged, and is as blurred as it then looks. No face: no value.
    """
    faces = [_face(picture, *box) for picture, box in zip(frames.pixels, _boxes(face_boxes), strict=True)]
    return {
        "frame_sharpness": np.array([_variance(picture) for picture in frames.gray(width=320)]),
        "face_sharpness": np.array([np.nan if face is None else _variance(face) for face in faces]),
    }


def _boxes(face_boxes: Table) -> list[list[float]]:
    names = ("x_px", "y_px", "width_px", "height_px")
    return [[float(face_boxes[name][k][0]) for name in names] if count else [0.0] * 4
            for k, count in enumerate(face_boxes["face_count"])]  # fmt: skip


def _face(picture: NDArray[np.uint8], x: float, y: float, width: float, height: float) -> Any:
    cut = picture[round(max(y, 0)) : round(max(y + height, 0)), round(max(x, 0)) : round(max(x + width, 0))]
    if min(cut.shape[:2]) < 8:
        return None
    gray, way = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), cv2.INTER_AREA if width > FACE_SIDE_PX else cv2.INTER_LINEAR
    return cv2.resize(gray, (FACE_SIDE_PX, FACE_SIDE_PX), interpolation=way)


def _variance(gray: NDArray[np.uint8]) -> float:
    return float(cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_16S))[1].item() ** 2)
