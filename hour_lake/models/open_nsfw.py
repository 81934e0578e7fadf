"""Open NSFW: how likely a picture is unsafe for work, on ONNX Runtime, on one thread."""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.models.device import onnx_providers
from hour_lake.models.network import Floats
from hour_lake.models.store import weights

SIZE, CROPPED = 256, 224
MEAN_BGR = np.array([104, 117, 123], np.float32)  # of the pictures that it was trained on


def unsafe_probability(rgb: NDArray[np.uint8], *, asked_by: str) -> float:
    """0..1 for a picture `(height, width, 3)`."""
    session = _session(asked_by)
    (answer,) = session.run(None, {session.get_inputs()[0].name: network_input(rgb)})
    return float(answer[0][1])


def network_input(rgb: NDArray[np.uint8]) -> Floats:
    """`(1, 224, 224, 3)`, BGR: pressed into a square of 256, as Yahoo does, and the middle of that."""
    square = cv2.resize(rgb, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    edge = (SIZE - CROPPED) // 2
    middle = square[edge : edge + CROPPED, edge : edge + CROPPED, ::-1]
    return np.ascontiguousarray(middle[None].astype(np.float32) - MEAN_BGR)


@cache
def _session(asked_by: str) -> Any:
    import onnxruntime  # loads a large library: only where something is run

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    providers = onnx_providers(onnxruntime.get_available_providers())
    return onnxruntime.InferenceSession(weights("open_nsfw", asked_by=asked_by), options, providers=providers)
