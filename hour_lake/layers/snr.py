"""Signal to noise: how much louder the speech is than what is heard in its pauses."""

from typing import Any

import numpy as np

from hour_lake.layers import Samples, Table, layer


@layer(
    reads=("samples", "voice_activity"),
    rows="segment",
    columns={"speech_dbfs": "float32", "noise_dbfs": "float32", "snr_db": "float32"},
    facts={name: f"first({name})" for name in ("speech_dbfs", "noise_dbfs", "snr_db")},
)
def snr(
    samples: Samples, voice_activity: Table, *, speech_from: float = 0.5, noise_below: float = 0.1
) -> dict[str, Any]:
    """Levels are of the mean power, 0 dBFS for a full square wave; speech has the noise's power taken off.

    Speech is the windows (32 ms) with a probability of at least `speech_from`, without the dips that `voice_activity`
    bridges; noise is where speech is improbable for a window and its two neighbours. Without one of them its level and
    the ratio are missing; the ratio is between -20 and 100 dB.
    """
    probability = voice_activity["speech_probability"]
    window = round(0.032 * samples.rate_hz)
    padded = np.pad(samples.values.astype(np.float64), (0, len(probability) * window - len(samples.values)))
    power = (padded.reshape(len(probability), window) ** 2).mean(axis=1)
    quiet = np.pad(probability < noise_below, 1, constant_values=True)
    noise = _mean(power[quiet[:-2] & quiet[1:-1] & quiet[2:]])
    both = _mean(power[probability >= speech_from])
    speech = max(both - noise, both * 1e-2) if np.isfinite(noise) else both
    ratio = np.clip(10 * np.log10(speech / max(noise, 1e-12)), -20, 100) if speech > 0 else np.nan
    return {"speech_dbfs": _decibels(speech), "noise_dbfs": _decibels(noise), "snr_db": ratio}


def _mean(power: Any) -> float:
    return float(power.mean()) if len(power) else float("nan")


def _decibels(power: float) -> float:
    return 10 * np.log10(max(power, 1e-12)) if np.isfinite(power) else power
