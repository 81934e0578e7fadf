"""How far picture and sound are apart: the mouth's opening against the loudness of the vowels."""

from typing import Any

import numpy as np

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Samples, Table, layer
from hour_lake.layers._speech_curve import CURVE_HZ, correlations, quick_part, vowel_loudness, without_gaps


@layer(
    reads=("mouth", "samples"),
    rows="window",
    group="av",
    columns={
        "start_seconds": "float32",
        "stop_seconds": "float32",
        "lag_ms": "float32",
        "correlation": "float32",
        "confidence": "float32",
    },
    facts={
        "lag_ms": "first(lag_ms)",
        "correlation": "first(correlation)",
        "confidence": "first(confidence)",
        "lag_spread_ms": "max(lag_ms) FILTER (confidence >= 3) - min(lag_ms) FILTER (confidence >= 3)",
    },
)
def av_sync(
    mouth: Table,
    samples: Samples,
    *,
    window_seconds: float = 5.0,
    most_ms: int = 500,
    steady_seconds: float = 1.0,
) -> dict[str, Any]:
    """The first row is of the segment, the others of windows of `window_seconds`, overlapping by half.

    `lag_ms` is positive when the sound comes late; both curves lose what changes more slowly than
    `steady_seconds`, then are correlated at every shift of 10 ms. `confidence`: the best correlation less the median
    of all, over their spread (1.48 median deviations), in the manner of SyncNet's. No mouth, no speech, or less than
    twice `most_ms`, so that some shift would leave less than half to compare: no values.
    """
    opened, loud = without_gaps(mouth["openness"]), vowel_loudness(samples.values, samples.rate_hz)
    rows = [_row(opened, loud, a, b, most_ms, steady_seconds) for a, b in _spans(len(loud) / CURVE_HZ, window_seconds)]
    names = ("start_seconds", "stop_seconds", "lag_ms", "correlation", "confidence")
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _spans(seconds: float, window: float) -> list[tuple[float, float]]:
    starts = np.arange(0, seconds - window + 1e-6, window / 2) if seconds > window else []
    return [(0.0, seconds), *((float(start), float(start + window)) for start in starts)]


def _row(opened: Any, loud: Any, start: float, stop: float, most_ms: int, steady: float) -> tuple[float, ...]:
    none = (start, stop, np.nan, np.nan, np.nan)
    if opened is None or 1000 * (stop - start) < 2 * most_ms:
        return none
    times = np.arange(round(start * CURVE_HZ), round(stop * CURVE_HZ)) / CURVE_HZ
    at_times = np.interp(times, np.arange(len(opened)) / FRAME_RATE, opened)
    heard = loud[round(start * CURVE_HZ) :][: len(times)]
    curves = [quick_part(curve, rate_hz=CURVE_HZ, seconds=steady) for curve in (at_times[: len(heard)], heard)]
    found = correlations(curves[0], curves[1], most=most_ms * CURVE_HZ // 1000)
    if not found.any():
        return none
    best, middle = int(np.argmax(found)), np.median(found)
    spread = 1.48 * np.median(np.abs(found - middle)) + 1e-9
    return (start, stop, (best - len(found) // 2) * 1000 / CURVE_HZ, found[best], (found[best] - middle) / spread)
