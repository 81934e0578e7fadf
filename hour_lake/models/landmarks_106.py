"""2d106det (InsightFace): 106 points of one face. Its licence is for research only."""

import numpy as np
from numpy.typing import NDArray

from hour_lake.models.crop import crop, to_picture
from hour_lake.models.network import Floats
from hour_lake.models.onnx_network import onnx_network

SIZE, POINTS = 192, 106
MARGIN = 1.5  # the crop's side over the box's longer one


def find_points(picture: NDArray[np.uint8], *, box: NDArray[np.floating], asked_by: str) -> Floats:
    """`(106, 2)` px of the face in `box` (left, top, width, height px of an RGB picture).

    The crop is never turned. The network takes RGB in 0..255 and says -1..1 from the crop's one edge to the other.
    """
    centre, side = box[:2] + box[2:] / 2, float(max(box[2:])) * MARGIN
    square, back = crop(picture, centre_px=centre, side_px=side, angle=0.0, size=SIZE)
    values = np.ascontiguousarray(square.transpose(0, 3, 1, 2)) * np.float32(255)
    (found,) = onnx_network("insightface_2d106det", asked_by)(values)
    return to_picture((found.reshape(POINTS, 2) + 1) * np.float32(SIZE / 2), back)
