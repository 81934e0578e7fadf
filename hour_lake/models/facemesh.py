"""FaceMesh (MediaPipe): 468 points of one face, with depth. Its lids hardly follow a closing eye: see `iris`."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hour_lake.models.blazeface import LEFT_EYE, RIGHT_EYE
from hour_lake.models.crop import angle_of, crop, to_picture
from hour_lake.models.network import Floats, network

SIZE, POINTS = 192, 468
MARGIN = 1.5  # the crop's side over the box's, as the network was trained


class Mesh(NamedTuple):
    """`points` `(468, 2)` px; `depth` `(468,)` px, smaller is nearer to the camera; `presence` 0..1."""

    points: Floats
    depth: Floats
    presence: float


def find_mesh(picture: NDArray[np.uint8], *, box: Floats, key_points: Floats, asked_by: str) -> Mesh:
    """The mesh of the face in `box` (left, top, width, height px) with BlazeFace's six key points. About 2 ms."""
    side = float(max(box[2], box[3])) * MARGIN
    square, back = crop(
        picture, centre_px=box[:2] + box[2:] / 2, side_px=side,
        angle=angle_of(key_points[RIGHT_EYE], key_points[LEFT_EYE]), size=SIZE,
    )  # fmt: skip
    raw, logit = network("facemesh", asked_by)(square)
    found = raw.reshape(POINTS, 3)
    return Mesh(to_picture(found[:, :2], back), found[:, 2] * (side / SIZE), float(1 / (1 + np.exp(-logit.ravel()[0]))))
