"""Another sample rate, by swresample's linear-phase filter: sample 0 stays at the same instant, there is no delay."""

from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray


def resampled(samples: NDArray[np.float32], *, rate_hz: int, to_hz: int) -> NDArray[np.float32]:
    """float32 `(n, channels)` at `rate_hz` as about `n * to_hz / rate_hz` samples at `to_hz`; mono or stereo."""
    if rate_hz == to_hz:
        return samples
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", layout)
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    resampler = AudioResampler("fltp", layout, to_hz)
    parts = [part.to_ndarray() for part in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts, axis=1).T.astype(np.float32, copy=False)


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """16-bit PCM; full scale is 32768 as in FFmpeg, so PCM that came as 16 bits goes back unchanged."""
    return np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)
