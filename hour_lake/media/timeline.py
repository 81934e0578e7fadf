"""Decoded sound laid on the video's time axis as one unbroken run of samples.

Sample 0 belongs to the first frame's presentation. What comes before the wanted start is dropped; a late start and
gaps are silence; overlaps are dropped:

    video   |frame 0 ........................
    sound        |####| |####|####|          a late start, a gap
    run     |0000|####|0|####|####|
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from hour_lake.errors import MediaError

Run = NDArray[np.float32]
# A frame that claims to lie further than this (half a frame of 25 fps) from the end of the one before is believed;
# less is rounding, or a sound card's clock that drifts, and the samples are simply counted.
DRIFT_SECONDS = Fraction(20, 1000)
SILENCE_SECONDS = 10  # the most silence that is made at once


class Timeline:
    """Feeds on decoded frames in order, gives float32 `(n, channels)` at the source's rate, mono or stereo.

    `start`: the first sample wanted. `origin`: when the first video frame is presented, in seconds. `sample_limit`: a
    frame that claims to lie beyond is LIMIT_DURATION.
    """

    def __init__(
        self, *, origin: Fraction, rate_hz: int, channels: int, start: int, sample_limit: int, where: str
    ) -> None:
        self.next = start
        self._origin, self._rate, self._limit, self._where = origin, rate_hz, sample_limit, where
        self._expected: int | None = None
        self._layout = "mono" if channels == 1 else "stereo"
        self._form: AudioResampler | None = None

    def index_of(self, frame: AudioFrame) -> int:
        """The sample number that a frame's own time says."""
        if frame.pts is None or frame.time_base is None:
            raise MediaError("TIMESTAMPS", "a stretch of sound has no time", where=self._where, fix="remux it")
        index = round((frame.pts * frame.time_base - self._origin) * self._rate)
        if index > self._limit:
            raise MediaError("LIMIT_DURATION", "sound beyond the longest video that is taken",
                             value=f"{index / self._rate:g} s", where=self._where, fix="remux it")  # fmt: skip
        return index

    def add(self, frame: AudioFrame, *, index: int | None = None, until: int | None = None) -> Iterator[Run]:
        """The samples that this frame adds to the run; `index` overrides where its own time puts it.

        Nothing is given from sample `until` on.
        """
        index = self.index_of(frame) if index is None else index
        if self._expected is not None and abs(index - self._expected) <= DRIFT_SECONDS * self._rate:
            index = self._expected
        samples = self._samples(frame)
        self._expected = index + len(samples)
        yield from self._silence((index if until is None else min(index, until)) - self.next, samples.shape[1])
        fresh = samples[max(0, self.next - index) : None if until is None else max(0, until - index)]
        if len(fresh):
            self.next += len(fresh)
            yield fresh

    def _samples(self, frame: AudioFrame) -> Run:
        # FFmpeg scales a mix of more channels so that it stays within full scale, but only where samples are integers.
        is_mixed = frame.layout.nb_channels > 2
        self._form = self._form or AudioResampler("s32p" if is_mixed else "fltp", self._layout, self._rate)
        try:
            parts = [part.to_ndarray() for part in self._form.resample(frame)]
        except ValueError as error:
            raise MediaError("AUDIO_PARAMS", "the sound's rate, channels or sample format change midway",
                             value=f"{frame.sample_rate} Hz, {frame.layout.name}, {frame.format.name}",
                             where=self._where, fix="re-encode the sound") from error  # fmt: skip
        mixed = np.concatenate(parts, axis=1).T
        samples = (mixed / 2.0**31 if is_mixed else mixed).astype(np.float32, copy=False)
        bad = np.flatnonzero(~np.isfinite(samples).all(axis=1))
        if len(bad):
            at = (self.index_of(frame) + int(bad[0])) / self._rate
            raise MediaError("AUDIO_NONFINITE", "a sample is not a number", value=f"at {at:.3f} s", where=self._where)
        return samples

    def _silence(self, count: int, channels: int) -> Iterator[Run]:
        while count > 0:
            part = min(count, SILENCE_SECONDS * self._rate)
            self.next += part
            count -= part
            yield np.zeros((part, channels), np.float32)
