"""How much a picture differs from the one before: PySceneDetect's content value, on a small picture.

The mean absolute difference of hue, saturation and value (OpenCV's 8-bit HSV, hue 0-179) over all pixels, the three
weighted alike. (Source: `ContentDetector` of PySceneDetect 0.6, BSD-3; its threshold for a cut is 27 and it, too, works
on pictures of about 256 columns.)
"""

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

WIDTH_PX = 256


class ContentMeter:
    """Feeds on frames in order. The small picture comes from swscale, never from a full-sized RGB one."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self._width = min(WIDTH_PX, width_px)
        self._height = max(1, round(height_px * self._width / width_px))
        self._scaler = VideoReformatter()
        self._before: NDArray[np.uint8] | None = None

    def __call__(self, frame: VideoFrame) -> float:
        """The content value of this frame; 0 for the first."""
        small = self._scaler.reformat(
            frame, self._width, self._height, "bgr24", interpolation=Interpolation.AREA, threads=1
        )
        plane = small.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(self._height, plane.line_size)[:, : 3 * self._width]
        bgr = np.ascontiguousarray(rows).reshape(self._height, self._width, 3)
        hsv = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV), np.uint8)
        before, self._before = self._before, hsv
        return 0.0 if before is None else cv2.norm(hsv, before, cv2.NORM_L1) / hsv.size
