"""How loud the vowels are, as a curve; and the lag at which two curves agree best."""

import numpy as np
from numpy.typing import NDArray

CURVE_HZ = 100
LOWEST_HZ, HIGHEST_HZ, WINDOW_SECONDS = 200, 3000, 0.08
Curve = NDArray[np.float64]


def vowel_loudness(samples: NDArray[np.float32], rate_hz: int) -> Curve:
    """Cube root of the pressure (about Stevens' law of loudness) between 200 and 3,000 Hz, 100 values a second.

    Value k is of 80 ms around k / 100 s. The mouth opens for vowels, whose energy lies there; hisses lie above.
    """
    window, step = round(WINDOW_SECONDS * rate_hz), rate_hz // CURVE_HZ
    padded = np.pad(samples.astype(np.float64), window // 2)
    views = np.lib.stride_tricks.sliding_window_view(padded, window)[: len(samples) : step]
    spectrum = np.abs(np.fft.rfft(views * np.hanning(window), axis=1)) ** 2
    bins = np.fft.rfftfreq(window, 1 / rate_hz)
    power = spectrum[:, (bins >= LOWEST_HZ) & (bins <= HIGHEST_HZ)].sum(axis=1) / window
    return np.sqrt(power) ** (1 / 3)


def quick_part(curve: Curve, *, rate_hz: float, seconds: float) -> Curve:
    """The curve less its mean over `seconds` around each value: what changes faster than that."""
    if not len(curve):
        return curve
    box = np.ones(max(1, min(round(seconds * rate_hz), len(curve))))
    return curve - np.convolve(curve, box, "same") / np.convolve(np.ones(len(curve)), box, "same")


def correlations(one: Curve, other: Curve, *, most: int) -> Curve:
    """Correlation of `one[t]` with `other[t + lag]` for lags of -most ... most; `(2 * most + 1,)`."""
    found = np.zeros(2 * most + 1)
    for k, lag in enumerate(range(-most, most + 1)):
        length = min(len(one), len(other)) - abs(lag)
        if length < 3:
            continue
        a, b = one[max(0, -lag) :][:length], other[max(0, lag) :][:length]
        if a.std() > 1e-9 and b.std() > 1e-9:
            found[k] = np.corrcoef(a, b)[0, 1]
    return found


def without_gaps(values: NDArray[np.floating]) -> Curve | None:
    """NaN filled up in a straight line between neighbours; None when less than half is known."""
    known = np.flatnonzero(~np.isnan(values))
    if 2 * len(known) < len(values) or len(known) < 2:
        return None
    return np.interp(np.arange(len(values)), known, values[known])
