"""Pitch of the voice, every 10 ms, by YIN."""

from typing import Any

import numpy as np

from hour_lake.layers import Samples, layer

STEPS_PER_SECOND = 100


@layer(
    reads="samples",
    columns={"pitch_hz": "float32", "aperiodicity": "float32"},
    facts={
        "median_hz": "median(pitch_hz)",
        "low_hz": "quantile_cont(pitch_hz, 0.05)",
        "high_hz": "quantile_cont(pitch_hz, 0.95)",
        "spread_semitones": "12 * stddev_pop(log2(pitch_hz))",
        "voiced_share": "avg((pitch_hz IS NOT NULL)::INTEGER)",
    },
)
def pitch(
    samples: Samples,
    *,
    lowest_hz: float = 60,
    highest_hz: float = 500,
    voiced_below: float = 0.15,
    quiet_below: float = 0.003,
) -> dict[str, Any]:
    """de Cheveigne and Kawahara, YIN, 2002. Row k is of the 33 ms (twice the longest period) from k / 100 s on.

    `aperiodicity`: the least normalised difference, 0 for a pure tone, about 1 for noise. Voiced, and so with a pitch,
    is a row whose difference dips under `voiced_below` (0.1 to 0.15 there) and is louder than `quiet_below` (RMS).
    """
    rate, longest = samples.rate_hz, int(samples.rate_hz / lowest_hz) + 1
    padded = np.pad(samples.values.astype(np.float64), (0, 2 * longest))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * longest)
    views = windows[: len(samples.values) : rate // STEPS_PER_SECOND]
    normal = _normalised(views, longest)
    shortest = max(2, int(rate / highest_hz))
    period, least = np.array([_dip(row, shortest, voiced_below) for row in normal]).T
    loud = np.sqrt((views**2).mean(axis=1)) >= quiet_below
    return {"pitch_hz": np.where(loud, rate / period, np.nan), "aperiodicity": least}


def _normalised(views: Any, longest: int) -> Any:
    """The cumulative mean normalised difference, `(rows, longest)`; lag 0 has 1."""
    first = views[:, :longest]
    spectra = np.conj(np.fft.rfft(first, 3 * longest, axis=1)) * np.fft.rfft(views, 3 * longest, axis=1)
    product = np.fft.irfft(spectra, 3 * longest, axis=1)[:, :longest]
    energy = np.cumsum(np.pad(views**2, ((0, 0), (1, 0))), axis=1)
    moved = energy[:, longest : 2 * longest] - energy[:, :longest]
    difference = np.maximum(moved[:, :1] + moved - 2 * product, 0)
    sums = np.cumsum(difference[:, 1:], axis=1)
    normal = np.ones_like(difference)
    np.divide(difference[:, 1:] * np.arange(1, longest), sums, out=normal[:, 1:], where=sums > 1e-9)
    return normal


def _dip(row: Any, shortest: int, voiced_below: float) -> tuple[float, float]:
    """Period in samples (refined by a parabola) and depth of the first dip under the threshold.

    Without one there is no period (NaN), and the depth is the least: what still falls at the longest period, or
    already rises at the shortest, is a tone beyond the range.
    """
    before, part, after = row[shortest - 1 : -2], row[shortest:-1], row[shortest + 1 :]
    dips = np.flatnonzero((part < voiced_below) & (part <= before) & (part <= after))
    if not len(dips):
        return np.nan, float(part.min())
    k = shortest + int(dips[0])
    a, b, c = row[k - 1 : k + 2]
    bend = a - 2 * b + c
    return k + (0.5 * (a - c) / bend if bend > 0 else 0.0), float(b)
