"""Silence: where nothing is heard, as ffmpeg's silencedetect tells it; one row a stretch."""

from typing import Any

import numpy as np

from hour_lake.layers import Samples, layer
from hour_lake.layers._runs import runs


@layer(
    reads="samples",
    columns={"start_seconds": "float32", "stop_seconds": "float32"},
    facts={
        "silent_share": "coalesce(sum(stop_seconds - start_seconds), 0) / duration_seconds",
        "longest_seconds": "coalesce(max(stop_seconds - start_seconds), 0)",
        "leading_seconds": "coalesce(max(stop_seconds) FILTER (start_seconds = 0), 0)",
        "trailing_seconds": "coalesce(max(stop_seconds - start_seconds) "
        "FILTER (stop_seconds >= duration_seconds - 0.011), 0)",
    },
)
def silence(samples: Samples, *, below_dbfs: float = -50.0, shortest_seconds: float = 0.2) -> dict[str, Any]:
    """Silent: no sample of 10 ms reaches `below_dbfs`, for at least `shortest_seconds` (silencedetect: -60 dB, 2 s).

    -50 dB lies above the noise of a quiet room; what is no speech, but heard, is the business of `voice_activity`.
    """
    step = samples.rate_hz // 100
    padded = np.pad(np.abs(samples.values), (0, -len(samples.values) % step))
    quiet = padded.reshape(-1, step).max(axis=1) < 10 ** (below_dbfs / 20)
    found = np.array([run for run in runs(quiet) if run[1] - run[0] >= round(100 * shortest_seconds)]).reshape(-1, 2)
    return {"start_seconds": found[:, 0] / 100, "stop_seconds": np.minimum(found[:, 1] / 100, samples.duration_seconds)}
