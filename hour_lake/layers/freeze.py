"""Frozen pictures: stretches that repeat the picture they began with, as ffmpeg's freezedetect tells them."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Frames, layer
from hour_lake.layers._runs import runs


@layer(
    reads="frames",
    columns={"is_frozen": "bool", "begins": "bool"},
    facts={
        "frozen_share": "avg(is_frozen::INTEGER)",
        "frozen_seconds": f"count(*) FILTER (is_frozen) / {FRAME_RATE}.0",
        "freezes": "count(*) FILTER (begins)",
    },
)
class freeze:
    """Remembers the picture that the last frames repeat: a slow fade is none, three slides in a row are three."""

    def __init__(self, *, change_below: float = 0.001, shortest_seconds: float = 0.5) -> None:
        self.change_below, self.shortest_seconds = change_below, shortest_seconds
        self.repeated: NDArray[np.uint8] | None = None
        self.repeats: list[bool] = []

    def __call__(self, frames: Frames) -> None:
        """A frame repeats a picture while the mean change of luma since then is at most `change_below` of full scale.

        -60 dB, freezedetect's default, taken at 320 px; else the frame is the next to be repeated.
        """
        for picture in frames.gray(width=320):
            change = np.inf if self.repeated is None else cv2.mean(cv2.absdiff(picture, self.repeated))[0]
            self.repeats.append(change <= self.change_below * 255)
            if not self.repeats[-1]:
                self.repeated = picture

    def finish(self) -> dict[str, Any]:
        """Frozen are a picture and its repeats, if they last for `shortest_seconds` (freezedetect: 2 s, which is long
        for a segment); `begins` is true in the first frame of each such stretch.
        """
        is_frozen, begins = np.zeros((2, len(self.repeats)), bool)
        for first, stop in ((start - 1, stop) for start, stop in runs(np.array(self.repeats, bool))):
            if (stop - first) / FRAME_RATE >= self.shortest_seconds:
                is_frozen[first:stop] = begins[first] = True
        return {"is_frozen": is_frozen, "begins": begins}
