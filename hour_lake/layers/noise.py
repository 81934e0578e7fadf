"""Noise of the picture: the standard deviation of what is left when everything smooth is taken away."""

from typing import Any

import cv2
import numpy as np

from hour_lake.layers import Frames, layer

# Along and across, the difference of two Laplacians: blind to flat, sloped and evenly curved parts of a picture.
BEND = np.array([1, -2, 1], np.float32)
PATCH_PX, MOST_PATCHES = 24, 16


@layer(
    reads="frames",
    columns={"sigma": "float32"},
    facts={"mean": "avg(sigma)", "max": "max(sigma)"},
)
def noise(frames: Frames) -> dict[str, Any]:
    """`sigma`: in levels of luma (0..255), after Immerkaer, Fast Noise Variance Estimation, 1996.

    Looked for in the middle 384 x 384 px, at full size, for scaling hides noise. The median of patches of 24 px is
    taken: edges and hair fill some of them, noise fills all. A picture without room for a patch has no value.
    """
    return {"sigma": np.array([_sigma(picture) for picture in frames.pixels])}


def _sigma(picture: Any) -> float:
    rows, columns = (min(MOST_PATCHES, (side - 2) // PATCH_PX) for side in picture.shape[:2])
    if min(rows, columns) < 1:
        return float("nan")
    # The mask reaches one px beyond the patches, on each side.
    (top, height), (left, width) = (((side - n * PATCH_PX) // 2 - 1, n * PATCH_PX + 2)
                                    for side, n in zip(picture.shape[:2], (rows, columns), strict=True))  # fmt: skip
    gray = cv2.cvtColor(picture[top : top + height, left : left + width], cv2.COLOR_RGB2GRAY)
    rest = np.abs(cv2.sepFilter2D(gray, cv2.CV_16S, BEND, BEND)[1:-1, 1:-1]).astype(np.float32)
    patches = cv2.resize(rest, (columns, rows), interpolation=cv2.INTER_AREA)  # means
    return float(np.sqrt(np.pi / 2) / 6 * np.median(patches))
