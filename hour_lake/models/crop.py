"""A square cut out of a picture, turned and scaled to what a network takes, and the way back for its points."""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def crop(
    picture: NDArray[np.uint8],
    *,
    centre_px: NDArray[np.floating],
    side_px: float,
    angle: float,
    size: int,
    mirrored: bool = False,
) -> tuple[Floats, Floats]:
    """The crop, float32 `(1, size, size, 3)` in 0..1, and `back` `(2, 3)`: `to_picture(points, back)`.

    `angle`: radians, clockwise as seen, by which the crop's own horizontal is turned in the picture. What lies outside
    of the picture is black. Mirrored: left and right are exchanged.
    """
    #  crop point p -> centre + s R (p - size/2):   s = side/size, R turns by `angle`, mirrored: x -> size - 1 - x
    scale = side_px / size
    x, y = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[-x if mirrored else x, -y], [-y if mirrored else y, x]])
    middle = np.array([size - 1 - size / 2 if mirrored else size / 2, size / 2])
    back = np.hstack([turn, (centre_px - turn @ middle)[:, None]])
    cut = cv2.warpAffine(picture, back, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.multiply(cut, np.float32(1 / 255), dtype=np.float32)[None], back.astype(np.float32)


def to_picture(points: Floats, back: Floats) -> Floats:
    """Points `(n, 2)` of a crop as points of the picture, px."""
    return points @ back[:, :2].T + back[:, 2]


def angle_of(start: Floats, stop: Floats) -> float:
    """The direction from one point to another: radians, clockwise as seen, 0 is to the right."""
    return float(np.arctan2(stop[1] - start[1], stop[0] - start[0]))
