"""Integrated loudness after ITU-R BS.1770-4, as the truth for what the flow measures; filters applied as spectra."""

import numpy as np
from numpy.typing import NDArray

# The two filters of BS.1770-4, table 1 and 2, at 48 kHz: numerator, denominator.
SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
BLOCK_SAMPLES, HOP_SAMPLES = 19_200, 4_800  # 400 ms, three quarters overlapping
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0


def integrated_lufs(samples: NDArray[np.float32], channels: int = 1) -> float:
    """Of mono samples `(n,)` at 48 kHz, heard from `channels` equal channels; -inf when all is below the gate."""
    heard = np.square(_weighted(samples.astype(np.float64)))
    starts = range(0, len(heard) - BLOCK_SAMPLES + 1, HOP_SAMPLES)
    power = channels * np.array([heard[start : start + BLOCK_SAMPLES].mean() for start in starts])
    loud = power[_lufs(power) > ABSOLUTE_GATE_LUFS]
    if not len(loud):
        return float("-inf")
    kept = loud[_lufs(loud) > _lufs(loud.mean()) + RELATIVE_GATE_LU]
    return float(_lufs(kept.mean()))


def _lufs(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-30))


def _weighted(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    size = len(samples) + 48_000  # the high pass rings for less than a second
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    response = np.ones_like(turn)
    for numerator, denominator in (SHELF, HIGH_PASS):
        response *= np.polyval(numerator[::-1], turn) / np.polyval(denominator[::-1], turn)
    return np.fft.irfft(np.fft.rfft(samples, size) * response, size)[: len(samples)]
