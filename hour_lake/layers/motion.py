"""Motion: how much each frame differs from the one before, in the whole picture and in each ninth of it."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, layer

SIDE = 3  # patches across and down
PATCHES = SIDE * SIDE


@layer(
    reads="frames",
    columns={"difference": "float32", "moving_share": "float32", "patch_difference": f"float32[{PATCHES}]"},
    facts={
        "mean": "avg(difference)",
        "max": "max(difference)",
        "moving_share_mean": "avg(moving_share)",
        "still_share": "avg((moving_share < 0.001)::INTEGER) FILTER (moving_share IS NOT NULL)",
        # Of the patch that moves least over the segment, not of the least frame.
        "patch_min": f"least({', '.join(f'avg(patch_difference[{k}])' for k in range(1, PATCHES + 1))})",
    },
)
class motion:
    """Remembers the last frame of the batch before."""

    def __init__(self, *, moving_above: int = 8) -> None:
        self.moving_above = moving_above
        self.last: NDArray[np.uint8] | None = None

    def __call__(self, frames: Frames) -> dict[str, Any]:
        """`difference`: mean change of luma, 0..255. `moving_share`: of pixels that change by more than `moving_above`.
        `patch_difference`: the difference in each of 3 x 3 patches, row by row.

        The first frame has none. The fact `patch_min` is 0 where a part of the picture never changes: a frame around
        the video, a slide beside the presenter. NeMo Curator's motion filter also takes the mean over the clip and the
        least patch of it (256 px), but of flow over the picture's size (0.00098 and 0.000001), which is another unit.
        """
        rows: list[tuple[float, float]] = []
        patches: list[Any] = []
        for picture in frames.gray(width=320):
            change = None if self.last is None else cv2.absdiff(picture, self.last)
            rows.append((np.nan, np.nan) if change is None else self.measured(change))
            patches.append(np.full(PATCHES, np.nan) if change is None else patch_means(change))
            self.last = picture
        difference, moving_share = np.array(rows).T
        return {"difference": difference, "moving_share": moving_share, "patch_difference": np.array(patches)}

    def measured(self, change: Any) -> tuple[float, float]:
        """The mean of a picture of changes, and how much of it moves."""
        moving = cv2.countNonZero(cv2.threshold(change, self.moving_above, 1, cv2.THRESH_BINARY)[1])
        return cv2.mean(change)[0], moving / change.size


def patch_means(change: Any) -> NDArray[np.float32]:
    """`(9,)`: the mean of each patch, exact also where a patch ends within a pixel."""
    small = cv2.resize(np.asarray(change, np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).ravel()
