"""Motion: how much each frame differs from the one before."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, layer


@layer(
    reads="frames",
    columns={"difference": "float32", "moving_share": "float32"},
    facts={
        "mean": "avg(difference)",
        "max": "max(difference)",
        "moving_share_mean": "avg(moving_share)",
        "still_share": "avg((moving_share < 0.001)::INTEGER) FILTER (moving_share IS NOT NULL)",
    },
)
class motion:
    """Remembers the last frame of the batch before."""

    def __init__(self, *, moving_above: int = 8) -> None:
        self.moving_above = moving_above
        self.last: NDArray[np.uint8] | None = None

    def __call__(self, frames: Frames) -> dict[str, Any]:
        """`difference`: mean change of luma, 0..255. `moving_share`: of pixels that change by more than `moving_above`.

        The first frame has neither.
        """
        rows: list[tuple[float, float]] = []
        for picture in frames.gray(width=320):
            rows.append((np.nan, np.nan) if self.last is None else self.change(picture, self.last))
            self.last = picture
        difference, moving_share = np.array(rows).T
        return {"difference": difference, "moving_share": moving_share}

    def change(self, picture: NDArray[np.uint8], last: NDArray[np.uint8]) -> tuple[float, float]:
        """From one picture to the next."""
        difference = cv2.absdiff(picture, last)
        moving = cv2.countNonZero(cv2.threshold(difference, self.moving_above, 1, cv2.THRESH_BINARY)[1])
        return cv2.mean(difference)[0], moving / difference.size
