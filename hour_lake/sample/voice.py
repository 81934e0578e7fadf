"""The voices of the sample corpus: recorded sentences, put on a time line with the pauses that a script asks for."""

import json
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

VOICES = Path(__file__).parent / "voices"
RATE_HZ = 48_000
ROOM_TONE = 0.0006  # standard deviation of the noise under everything, full scale 1: about -64 dBFS


@cache
def sentences(video_id: str) -> tuple[NDArray[np.float32], ...]:
    """The sentences of one video, each float32 `(n,)` at 48 kHz in -1..1, starting and ending on a sound."""
    samples = np.asarray(soundfile.read(VOICES / f"{video_id}.ogg", dtype="float32")[0], np.float32)
    offsets = json.loads((VOICES / "offsets.json").read_text())[video_id]
    return tuple(samples[a:b] for a, b in pairwise(offsets))


def spoken_ranges(video_id: str, pauses_seconds: Sequence[float]) -> list[tuple[float, float]]:
    """`[start, stop)` in seconds of each sentence, with `pauses_seconds[k]` of silence before sentence k."""
    ranges: list[tuple[float, float]] = []
    at = 0.0
    for samples, pause in zip(sentences(video_id), pauses_seconds, strict=True):
        start = round((at + pause) * RATE_HZ) / RATE_HZ
        at = start + len(samples) / RATE_HZ
        ranges.append((start, at))
    return ranges


def track(
    video_id: str, ranges: Sequence[tuple[float, float]], duration_seconds: float, *, seed: int
) -> NDArray[np.float32]:
    """The whole sound of a video, float32 `(n,)` at 48 kHz: the sentences at their places over a faint room tone."""
    noise = np.random.default_rng(seed).standard_normal(round(duration_seconds * RATE_HZ))
    out = (ROOM_TONE * noise).astype(np.float32)
    for samples, (start, _) in zip(sentences(video_id), ranges, strict=True):
        first = round(start * RATE_HZ)
        out[first : first + len(samples)] += _faded(samples)
    return out


def envelope(samples: NDArray[np.float32], times_seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """How open a mouth that says this is at each time: 0 shut .. 1 wide. The smoothed loudness, compressed.

    Windows of 10 ms; a Gaussian of 30 ms, since a jaw is slower than a voice.
    """
    hop = RATE_HZ // 100
    power = np.square(samples[: len(samples) // hop * hop].astype(np.float64)).reshape(-1, hop).mean(1)
    kernel = np.exp(-0.5 * np.square(np.arange(-9, 10) / 3.0))
    loudness = np.sqrt(np.convolve(power, kernel / kernel.sum(), mode="same"))
    shape = np.clip((loudness - 0.01) / (0.8 * np.percentile(loudness, 97)), 0, 1) ** 0.7
    centres = (np.arange(len(shape)) + 0.5) / 100
    return np.interp(times_seconds, centres, shape)


def _faded(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    ramp = np.minimum(1, np.arange(len(samples)) / (0.004 * RATE_HZ))
    return (samples * ramp * ramp[::-1]).astype(np.float32)
