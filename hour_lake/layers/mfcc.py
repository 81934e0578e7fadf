"""Mel frequency cepstral coefficients: 20 numbers that describe the colour of the sound, every 10 ms."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Samples, layer
from hour_lake.layers.mel import slaney_filters

COEFFICIENTS, BANDS, WINDOW, STEP = 20, 128, 400, 160


@layer(
    reads="samples",
    columns={"mfcc": f"float32[{COEFFICIENTS}]"},
    facts={"level_mean": "avg(mfcc[1])", "level_spread": "stddev_pop(mfcc[1])", "tilt_mean": "avg(mfcc[2])"},
)
def mfcc(samples: Samples) -> dict[str, Any]:
    """Row k is of 25 ms around k / 100 s: 128 mel bands in dB, at most 80 under the loudest, then a DCT-II.

    The same numbers as librosa.feature.mfcc with 20 coefficients, windows of 400 and steps of 160 samples at 16 kHz.
    """
    padded = np.pad(samples.values.astype(np.float64), WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: len(samples.values) + 1 : STEP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(windows * hann, axis=1)) ** 2
    decibels = 10 * np.log10(np.maximum(power @ slaney_filters(BANDS, WINDOW, 0, 8000).T, 1e-10))
    return {"mfcc": np.maximum(decibels, decibels.max() - 80) @ _cosines().T}


@cache
def _cosines() -> NDArray[np.float64]:
    """Orthonormal DCT-II, `(20, 128)`."""
    table = np.cos(np.pi / BANDS * np.outer(np.arange(COEFFICIENTS), np.arange(BANDS) + 0.5))
    table[0] /= np.sqrt(2)
    return table * np.sqrt(2 / BANDS)
