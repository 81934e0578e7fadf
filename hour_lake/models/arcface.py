"""ArcFace (InsightFace, w600k_r50): a face as 512 numbers, aligned by five points. Its licence is for research only.

ArcFace: Deng et al., Additive Angular Margin Loss for Deep Face Recognition, 2019.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.models.network import Floats
from hour_lake.models.onnx_network import onnx_network

SIZE, NUMBERS = 112, 512
# Where the face that it was trained on has its eyes, nose and corners of the mouth; the person's right ones come first.
PLACES = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


def embedding(picture: NDArray[np.uint8], *, points: NDArray[np.floating], asked_by: str) -> Floats:
    """`(512,)`, of length 1, for the face with these five points `(5, 2)` px of an RGB picture."""
    face = cv2.warpAffine(picture, similarity(points, PLACES), (SIZE, SIZE))
    values = (face.astype(np.float32).transpose(2, 0, 1)[None] - np.float32(127.5)) / np.float32(127.5)
    (found,) = onnx_network("insightface_w600k_r50", asked_by)(values)
    return (found[0] / np.linalg.norm(found[0])).astype(np.float32)


def similarity(points: NDArray[np.floating], places: NDArray[np.floating]) -> NDArray[np.float64]:
    """`(2, 3)`: the turn, scale and shift that bring `points` `(n, 2)` nearest to `places`, by least squares."""
    #  as complex numbers: place = a point + b;   a = sum(conj(p) q) / sum(|p|^2), both from their means
    point, place = (np.asarray(xy, np.float64) @ [1, 1j] for xy in (points, places))
    from_mean = point - point.mean()
    a = np.vdot(from_mean, place - place.mean()) / np.vdot(from_mean, from_mean)
    b = place.mean() - a * point.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
