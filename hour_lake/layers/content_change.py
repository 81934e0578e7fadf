"""How much a frame's content differs from the frame before: hue, saturation and value, as PySceneDetect measures it."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, frames, layer


@layer(
    reads=frames(width=256),
    columns={"content_score": "float32"},
    facts={"mean": "avg(content_score)", "max": "max(content_score)"},
)
class content_change:
    """Remembers the last frame of the batch before."""

    def __init__(self) -> None:
        self.last: NDArray[np.uint8] | None = None

    def __call__(self, frames: Frames) -> dict[str, Any]:
        """Mean absolute difference of OpenCV's 8-bit HSV (hue 0..179), 0..255; the first frame has 0.

        Source: ContentDetector of PySceneDetect 0.6, which also looks at pictures of about 256 columns.
        """
        rows: list[float] = []
        for picture in frames.pixels:
            hsv = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV), np.uint8)
            rows.append(0.0 if self.last is None else cv2.norm(hsv, self.last, cv2.NORM_L1) / hsv.size)
            self.last = hsv
        return {"content_score": np.array(rows)}
