"""Loudness after ITU-R BS.1770-4 (LUFS, true peak), and how much of the sound is clipped."""

from typing import Any

import numpy as np

from hour_lake.layers import Samples, layer
from hour_lake.layers._bs1770 import block_powers, integrated, lufs, true_peak


@layer(
    reads="master",
    rows="segment",
    columns={
        "integrated_lufs": "float32",
        "momentary_lufs": "list<float32>",
        "true_peak_dbtp": "float32",
        "clipped_share": "float32",
    },
    facts={
        "integrated_lufs": "first(integrated_lufs)",
        "momentary_max_lufs": "first(list_max(momentary_lufs))",
        "true_peak_dbtp": "first(true_peak_dbtp)",
        "clipped_share": "first(clipped_share)",
        "silent_share": "first(list_avg(list_transform(momentary_lufs, x -> (x < -60)::INTEGER)))",
    },
)
def loudness(master: Samples, *, clipped_from: float = 0.99) -> dict[str, Any]:
    """`momentary_lufs`: each 0.4 s, every 0.1 s. `clipped_share`: of samples at `clipped_from` of full scale or above.

    Silence is -70 LUFS, the gate below which nothing is measured, and -120 dBTP.
    """
    powers = block_powers(master.values, master.rate_hz)
    return {
        "integrated_lufs": integrated(powers),
        "momentary_lufs": lufs(powers),
        "true_peak_dbtp": 20 * np.log10(max(true_peak(master.values), 1e-6)),
        "clipped_share": np.mean(np.abs(master.values) >= clipped_from),
    }
