"""Mel spectrogram: 80 bands, 80 rows a second, so 16 rows for every 5 frames; on the scale of Wav2Lip and LatentSync.

A row is 20 log10 of the mel magnitudes minus 20, not below -120 dB; those trainers take clip(0.08 * mel_db + 4, -4, 4).
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Samples, layer

BANDS, WINDOW, STEP = 80, 800, 200


@layer(
    reads="samples",
    columns={"mel_db": "float32[80]"},
    facts={"rows_per_second": "count(*) / duration_seconds", "mean_db": "avg(list_avg(mel_db))"},
)
def mel(
    samples: Samples, *, preemphasis: float = 0.97, lowest_hz: float = 55, highest_hz: float = 7600
) -> dict[str, Any]:
    """Row k is centred on sample 200 k of 16 kHz sound (k / 80 s); what lies outside of the segment is silence."""
    if samples.rate_hz != 16_000:
        raise ValueError(f"mel is made of 16 kHz sound, got {samples.rate_hz}")
    sharp = samples.values - preemphasis * np.concatenate([[0], samples.values[:-1]])
    padded = np.pad(sharp, WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: len(sharp) : STEP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    magnitudes = np.abs(np.fft.rfft(windows * hann, axis=1)) @ slaney_filters(BANDS, WINDOW, lowest_hz, highest_hz).T
    return {"mel_db": 20 * np.log10(np.maximum(magnitudes, 1e-5)) - 20}


@cache
def slaney_filters(bands: int, window: int, lowest_hz: float, highest_hz: float) -> NDArray[np.float64]:
    """Triangles of equal area, evenly spaced on Slaney's mel scale, `(bands, window // 2 + 1)`: librosa's default.

    For sound of 16 kHz.
    """
    edges = _hz(np.linspace(_mels(lowest_hz), _mels(highest_hz), bands + 2))
    bins = np.arange(window // 2 + 1) * (16_000 / window)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return np.maximum(np.minimum(rising, falling), 0) * (2 / (edges[2:] - edges[:-2]))[:, None]


# Slaney's scale: 15 mel a kHz up to 1 kHz, above it 27 mel for every factor of 6.4.
def _mels(hz: float) -> float:
    return hz * 0.015 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mels < 15, mels / 0.015, 1000 * 6.4 ** ((mels - 15) / 27))
