"""Encodes square pictures as a clip without sound: H.264, constant 25 fps, the same bytes for the same pictures."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from hour_lake.media.clip import write_clip
from hour_lake.media.picture import IDENTITY, SMPTE170M, Look


class SquareClip:
    """`add` batches of pictures in order, then `finish`; `close` in any case. Packets wait on disk, not in memory."""

    def __init__(self, side_px: int) -> None:
        self._held = ExitStack()
        folder = self._held.enter_context(TemporaryDirectory(prefix="hour-lake-clip-"))
        self._path = Path(folder, "clip.mp4")
        # BT.601, limited range: what OpenCV converts to, and what players take for a small picture.
        look = Look((side_px, side_px), (side_px, side_px), IDENTITY, SMPTE170M, is_full_range=False)
        self._writing = ExitStack()
        self._clip = self._writing.enter_context(write_clip(self._path, look, None))
        self._held.push(self._writing)

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Encode the next pictures, uint8 `(n, side, side, 3)` RGB."""
        for picture in pixels:
            planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
            self._clip.add(VideoFrame.from_ndarray(planes, format="yuv420p"))

    def finish(self) -> bytes:
        """The mp4."""
        self._writing.close()
        return self._path.read_bytes()

    def close(self) -> None:
        """Remove what is on disk."""
        self._held.close()
