"""What a layer asks of the frames: a width, a rate; and which frames of a batch it then gets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.identity import FRAME_RATE

NARROWEST_PX = 16


@dataclass(frozen=True)
class FramesRequest:
    """`frames(width=640, fps=1)` in a layer's `reads`; `width` 0 is the clip's own, `fps` 0 every frame."""

    width: int = 0
    fps: float = 0.0

    @property
    def problem(self) -> str | None:
        """Why it cannot be met."""
        width: Any = self.width  # whatever stands there: no checker has looked at a researcher's file
        fps: Any = self.fps
        if not isinstance(width, int) or not isinstance(fps, int | float):
            return f"frames(width={width!r}, fps={fps!r}): numbers, the width a whole one"
        if self.width and self.width < NARROWEST_PX:
            return f"frames(width={self.width}): at least {NARROWEST_PX} px"
        if not 0 <= self.fps <= FRAME_RATE:
            return f"frames(fps={self.fps:g}): above 0 and at most {FRAME_RATE}, the rate of every segment"
        return None


def frames(*, width: int = 0, fps: float = 0.0) -> FramesRequest:
    """In `reads`: frames at most `width` px wide (a narrower clip stays as it is), and of each 1 / `fps` s the first.

    Frames are scaled once for all layers that ask for the same width. With a rate, the rows of other `frame` tables
    that the layer reads, and its own, are those of the frames that it gets; `frame_index` says which they are.
    """
    return FramesRequest(width, fps)


class Picker:
    """Tells of batch after batch which frames begin a new stretch of 1 / `fps` s."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._last = -1

    def __call__(self, time_seconds: NDArray[np.float64]) -> NDArray[np.intp]:
        """Places in the batch; with a rate of 0 all of them."""
        if not self.fps:
            return np.arange(len(time_seconds))
        stretch = np.floor(time_seconds * self.fps + 1e-6).astype(int)
        before = np.concatenate([[self._last], np.maximum.accumulate(np.maximum(stretch, self._last))[:-1]])
        self._last = max(self._last, int(stretch.max(initial=self._last)))
        return np.flatnonzero(stretch > before)
