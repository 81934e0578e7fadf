"""Bandwidth of the sound: up to which frequency there is anything, so a telephone is told from a studio."""

from typing import Any

import numpy as np

from hour_lake.layers import Samples, layer

WINDOW, STEP = 4096, 2048


@layer(
    reads="master",
    rows="segment",
    columns={"highest_hz": "float32"},
    facts={
        "highest_hz": "first(highest_hz)",
        # Bands of ITU-T: narrow up to 3.4 kHz, wide to 7, super wide to 14, full to 20; half way between is the border.
        "is_full_band": "first(highest_hz) >= 17000",
        "is_wide_band": "first(highest_hz) >= 5000",
    },
)
def bandwidth(master: Samples, *, floor_db: float = -70.0) -> dict[str, Any]:
    """The highest frequency above `floor_db` of the loudest one, in the loudest quarter of the windows.

    Windows of 85 ms (Kaiser, beta 12: side lobes at -90 dB), their power averaged, in steps of 12 Hz; digital
    silence has 0 Hz. Resampled sound ends at the old rate's half, coded sound where its encoder cuts.
    """
    mono = master.values.mean(axis=1) if master.values.ndim == 2 else master.values
    padded = np.pad(mono.astype(np.float64), (0, max(0, WINDOW - len(mono))))
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
    power = np.abs(np.fft.rfft(views * np.kaiser(WINDOW, 12), axis=1)) ** 2
    loudest = power[np.argsort(power.sum(axis=1), kind="stable")[-max(1, len(power) // 4) :]].mean(axis=0)
    if loudest.max() <= 1e-12:
        return {"highest_hz": 0.0}
    above = np.flatnonzero(10 * np.log10(loudest / loudest.max() + 1e-30) > floor_db)
    return {"highest_hz": above[-1] * master.rate_hz / WINDOW}
