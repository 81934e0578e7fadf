"""Whether somebody is heard, by a network of the registry: Silero's probability of speech in windows of 32 ms."""

import numpy as np

from hour_lake.layers import Samples, layer
from hour_lake.models.silero import speech_probability


@layer(reads="samples", models=("silero_vad",), columns={"probability": "float32", "start_seconds": "float32"},
       facts={"certain_share": "avg((probability > 0.9)::INTEGER)"})  # fmt: skip
def certain_speech(samples: Samples):
    """One row for each 32 ms; `probability` is 0..1."""
    found = speech_probability(samples.values, asked_by="certain_speech")
    return {"probability": found, "start_seconds": np.arange(len(found)) * 0.032}
