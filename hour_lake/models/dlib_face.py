"""dlib's face recognition network: a face as 128 numbers, aligned by five points. dlib-bin is built for the CPU."""

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.models.device import ran_on
from hour_lake.models.network import Floats
from hour_lake.models.store import Asker, weights_file

MODELS = ("dlib_face", "dlib_five_points")


def embedding(rgb: NDArray[np.uint8], *, box: NDArray[np.floating], asked_by: str) -> Floats:
    """`(128,)` for the face in `box` (x, y, width, height in px of the picture `(height, width, 3)`)."""
    dlib: Any = import_module("dlib")  # an extension without types
    network, points = _networks(Asker(asked_by))
    ran_on("cuda:0" if dlib.DLIB_USE_CUDA else "cpu")
    x, y, width, height = (float(side) for side in box)
    place = dlib.rectangle(round(x), round(y), round(x + width), round(y + height))
    return np.array(network.compute_face_descriptor(rgb, points(rgb, place)), np.float32)


@cache
def _networks(asker: Asker) -> tuple[Any, Any]:
    dlib: Any = import_module("dlib")
    face, points = (str(weights_file(name, asked_by=asker.name)) for name in MODELS)
    return dlib.face_recognition_model_v1(face), dlib.shape_predictor(points)
