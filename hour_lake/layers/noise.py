"""Noise of the picture: the standard deviation of what is left when everything smooth is taken away."""

from typing import Any

import cv2
import numpy as np

from hour_lake.layers import Frames, layer

# The difference of two Laplacians: blind to flat, sloped and evenly curved parts of a picture.
MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
SIDE_PX, PATCH_PX = 384, 24


@layer(
    reads="frames",
    columns={"sigma": "float32"},
    facts={"mean": "avg(sigma)", "max": "max(sigma)"},
)
def noise(frames: Frames) -> dict[str, Any]:
    """`sigma`: in levels of luma (0..255), after Immerkaer, Fast Noise Variance Estimation, 1996.

    Looked for in the middle 384 x 384 px, at full size, for scaling hides noise. The median of patches of 24 px is
    taken: edges and hair fill some of them, noise fills all.
    """
    return {"sigma": np.array([_sigma(_middle(picture)) for picture in frames.pixels])}


def _middle(picture: Any) -> Any:
    height, width = picture.shape[:2]
    top, left = max(0, (height - SIDE_PX) // 2), max(0, (width - SIDE_PX) // 2)
    return cv2.cvtColor(picture[top : top + SIDE_PX, left : left + SIDE_PX], cv2.COLOR_RGB2GRAY)


def _sigma(gray: Any) -> float:
    if min(gray.shape) < 3:
        return float("nan")
    left = np.abs(cv2.filter2D(gray.astype(np.float32), cv2.CV_32F, MASK))[1:-1, 1:-1]
    rows, columns = (max(1, side // PATCH_PX) for side in left.shape)
    patches = cv2.resize(left, (columns, rows), interpolation=cv2.INTER_AREA)  # means
    return float(np.sqrt(np.pi / 2) / 6 * np.median(patches))
