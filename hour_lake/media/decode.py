"""Frames of a clip (or of any video) as RGB arrays, a batch at a time; memory does not grow with the length."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from hour_lake.errors import MediaError
from hour_lake.media.clock import Clock
from hour_lake.media.open import open_media
from hour_lake.media.picture import SCALER, Look, Upright, look_of
from hour_lake.media.tracks import video_of
from hour_lake.passes.arrays import Frames
from hour_lake.settings import Limits

BATCH_BYTES = 64 * 2**20


def decode_frames(clip: Path, *, batch_bytes: int = BATCH_BYTES, limits: Limits | None = None) -> Iterator[Frames]:
    """Batches of at most `batch_bytes` of pixels (at least one frame), upright, with times from the first frame on.

    `for frames in decode_frames(path): means = frames.pixels.mean(axis=(1, 2, 3))`

    Errors: those of `open_media`, NO_FRAMES, CORRUPT with the count of frames, UNSUPPORTED, STREAM_CHANGED.
    """
    first_index = 0
    with open_media(clip, limits or Limits()) as container:
        video = video_of(container)
        clock, batch = Clock(video, str(clip)), None
        origin = None
        try:
            for frame in container.decode(video):
                if batch is None:
                    batch = _Batch(look_of(frame, video.sample_aspect_ratio, str(clip)), batch_bytes, str(clip))
                at = clock.seconds(frame)
                origin = at if origin is None else origin
                batch.add(frame, float(at - origin))
                if batch.is_full:
                    yield batch.take(first_index)
                    first_index += batch.size
        except FFmpegError as error:
            count = first_index + (batch.count if batch else 0)
            raise MediaError("CORRUPT", f"decoding failed after {count} frames", value=error.strerror,
                             where=str(clip)) from error  # fmt: skip
        if batch is None:
            raise MediaError("NO_FRAMES", "not one frame can be decoded", value=0, where=str(clip))
        if batch.count:
            yield batch.take(first_index)


def _references(arrays: list[NDArray[np.uint8]]) -> list[int]:
    """How often each is referred to: by the list, and by every view of it that somebody has."""
    return [sys.getrefcount(array) for array in arrays]


UNUSED = _references([np.empty(0, np.uint8)])[0]


class _Batch:
    """Frames on their way into one array."""

    def __init__(self, look: Look, batch_bytes: int, where: str) -> None:
        width, height = look.upright_px
        self.size = max(1, batch_bytes // (3 * width * height))
        self.count = 0
        self._look, self._where = look, where
        self._upright, self._to_rgb = Upright(look), VideoReformatter()
        self._arrays: list[NDArray[np.uint8]] = []
        self._pixels = np.empty(0, np.uint8)  # the first frame asks for more
        self._times: list[float] = []

    @property
    def is_full(self) -> bool:
        return self.count == self.size

    def _free(self) -> NDArray[np.uint8]:
        """An array to fill: one that nobody looks at any more, for fresh memory costs as much again as the copy."""
        for array, references in zip(self._arrays, _references(self._arrays), strict=True):
            if references == UNUSED:
                return array
        width, height = self._look.upright_px
        self._arrays.append(np.empty((self.size, height, width, 3), np.uint8))
        return self._arrays[-1]

    def add(self, frame: VideoFrame, time_seconds: float) -> None:
        if (frame.width, frame.height) != self._look.stored_px:
            raise MediaError("STREAM_CHANGED", "the picture's size changes midway", where=self._where,
                             value=f"{frame.width}x{frame.height}")  # fmt: skip
        rgb = self._to_rgb.reformat(
            self._upright(frame), format="rgb24", src_colorspace=SCALER[self._look.colorspace],
            dst_colorspace=Colorspace.DEFAULT, src_color_range=ColorRange.MPEG, dst_color_range=ColorRange.JPEG,
            threads=1,
        )  # fmt: skip
        if not self.count:
            self._pixels = self._free()
        plane = rgb.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: rgb.height, : 3 * rgb.width]
        self._pixels[self.count] = rows.reshape(rgb.height, rgb.width, 3)
        self._times.append(time_seconds)
        self.count += 1

    def take(self, first_index: int) -> Frames:
        """What was gathered; it stays as it is for as long as someone keeps it, or a part of it."""
        frames = Frames(self._pixels[: self.count], np.array(self._times, np.float64), first_index)
        self.count, self._times = 0, []
        return frames
