"""Speech or not, every 32 ms, as Silero's network hears it."""

from typing import Any

import numpy as np

from hour_lake.layers import Samples, layer
from hour_lake.layers._runs import between
from hour_lake.models.silero import WINDOW_SAMPLES, speech_probability


@layer(
    reads="samples",
    models=("silero_vad",),
    columns={"start_seconds": "float32", "speech_probability": "float32", "is_speech": "bool"},
    facts={
        "speech_share": "avg(is_speech::INTEGER)",
        "speech_seconds": "0.032 * count(*) FILTER (is_speech)",
        "speech_turns": "count_starts(is_speech)",
        "speech_probability_mean": "avg(speech_probability)",
    },
)
def voice_activity(samples: Samples, *, speech_from: float = 0.5, silence_below: float = 0.35) -> dict[str, Any]:
    """One row a window of 512 samples; the last one is filled up with silence.

    Speech begins at a probability of `speech_from` and ends below `silence_below` (Silero's own pair of thresholds).
    """
    probability = speech_probability(samples.values, asked_by="voice_activity")
    return {
        "start_seconds": np.arange(len(probability)) * (WINDOW_SAMPLES / samples.rate_hz),
        "speech_probability": probability,
        "is_speech": between(probability >= speech_from, until=probability < silence_below),
    }
