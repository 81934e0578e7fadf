"""When a frame is on screen: the video's own clock, and the grid of 40 ms that clips are cut on.

Time 0 is the presentation of the first frame. At the instant t of the grid a clip shows the last frame that began
at or before t (plus EPSILON_MS):

    source, 30 fps   0    33.3   66.7   100   133.3   166.7   200
    grid, 25 fps     0       40      80      120     160      200
    shows frame      0        1       2        3       4        6       (frame 5 is never seen)
"""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hour_lake.errors import MediaError
from hour_lake.identity import FRAME_MS

# Matroska stores whole milliseconds: half of one is lost in the first frame's time, half in any other.
EPSILON_MS = 1.0
Picture = TypeVar("Picture")


def first_tick(time_ms: float) -> int:
    """The first instant of the grid, in ms, at which a frame that begins at `time_ms` is on screen."""
    return max(0, math.ceil((time_ms - EPSILON_MS) / FRAME_MS) * FRAME_MS)


class Clock:
    """Presentation times of the frames of one video, in seconds, exactly; TIMESTAMPS for a frame without one.

    One clock goes with one open video, and its first frame must be the video's first. AVI stores no presentation times:
    each frame is shown for one period, in order of display. There the packet that pushed a frame out of the decoder
    counts (`dts`), a constant number of frames later; the last ones have none.
    """

    def __init__(self, video: VideoStream, where: str) -> None:
        self._is_counted, self._where = video.container.format.name == "avi", where
        self._start = video.start_time or 0
        self._delay: int | None = None if self._is_counted else 0
        self._last: int | None = None

    def seconds(self, frame: VideoFrame) -> Fraction:
        """When this frame, the next in order of display, begins."""
        ticks = frame.dts if self._is_counted else frame.pts
        if self._is_counted and ticks is None and self._last is not None:
            ticks = self._last + 1
        if ticks is None or frame.time_base is None:
            raise MediaError("TIMESTAMPS", "a frame has no presentation time", where=self._where, fix="re-encode it")
        if self._delay is None:
            self._delay = ticks - self._start
        self._last = ticks
        return (ticks - self._delay) * frame.time_base


def shown_until(frame: VideoFrame, rate: Fraction | None) -> Fraction:
    """How long after its beginning a frame stays on screen, in seconds; a frame period when the file does not say."""
    period = 1 / rate if rate else Fraction(FRAME_MS, 1000)
    return frame.duration * frame.time_base if frame.duration and frame.time_base else period


def on_screen(frames: Iterable[tuple[float, float, Picture]], *, start_ms: int, count: int) -> Iterator[Picture]:
    """The picture at each of `count` instants of the grid from `start_ms`; fewer when the video ends before.

    `frames`: from when until when, in ms, and the picture; in order, the first beginning at or before `start_ms`.
    """
    tick, stop = start_ms, start_ms + count * FRAME_MS
    shown: tuple[float, Picture] | None = None
    for time_ms, until_ms, picture in frames:
        while shown is not None and tick < first_tick(time_ms):
            yield shown[1]
            tick += FRAME_MS
            if tick >= stop:
                return
        shown = (until_ms, picture)
    while shown is not None and tick < min(stop, first_tick(shown[0])):
        yield shown[1]
        tick += FRAME_MS
