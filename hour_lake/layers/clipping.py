"""Clipping: stretches of samples that stay at the sound's peak, at whatever level it was cut off."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Samples, layer
from hour_lake.layers._runs import runs


@layer(
    reads="master",
    rows="segment",
    columns={"peak_dbfs": "float32", "clips": "int32", "clipped_share": "float32", "longest_ms": "float32"},
    facts={
        "peak_dbfs": "first(peak_dbfs)",
        "clips_per_minute": "60 * first(clips) / duration_seconds",
        "clipped_share": "first(clipped_share)",
        "longest_ms": "first(longest_ms)",
    },
)
def clipping(master: Samples, *, shortest: int = 3, within: float = 0.002, peak_from: float = 0.05) -> dict[str, Any]:
    """A clip: at least `shortest` samples in a row of one channel within `within` (share) of that channel's peak, and
    beside them, half as many samples away, the wave has fallen by more than twice what a whole one would have.

    Sound that was recorded too loud and turned down afterwards clips under full scale, which `loudness.clipped_share`
    cannot see. The round top of a deep note has many samples near its peak, too, but leaves it as slowly as a parabola:
    four times `within` where the flat part of a clip ends steeply. A channel quieter than `peak_from` is not looked at.
    """
    channels = master.values.T if master.values.ndim == 2 else master.values[None]
    found: list[int] = []
    for values in np.abs(channels):
        if len(values) and values.max() >= peak_from:
            near = [(a, b) for a, b in runs(values >= values.max() * (1 - within)) if b - a >= shortest]
            fallen = values.max() * (1 - 8 * within)
            found += [b - a for a, b in near if _beside(values, a, b) < fallen]
    peak = float(np.abs(channels).max(initial=0))
    return {
        "peak_dbfs": 20 * np.log10(max(peak, 1e-6)),
        "clips": len(found),
        "clipped_share": sum(found) / max(channels.size, 1),
        "longest_ms": 1000 * max(found, default=0) / master.rate_hz,
    }


def _beside(values: NDArray[np.float32], start: int, stop: int) -> float:
    """The lower of the two samples half a stretch before it and after it; 0 beyond the ends."""
    reach = (stop - start) // 2
    beside = [start - reach, stop - 1 + reach]
    return min(float(values[k]) if 0 <= k < len(values) else 0.0 for k in beside)
