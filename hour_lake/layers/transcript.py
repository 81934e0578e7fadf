"""What is said: one row a word, with its times, as Whisper (tiny.en, so English) writes it down."""

from typing import Any

import numpy as np

from hour_lake.layers import Samples, Table, layer
from hour_lake.models.whisper import FILES, words


@layer(
    reads=("samples", "voice_activity"),
    models=tuple(FILES.values()),
    memory_gib=1.5,
    columns={"word": "string", "start_seconds": "float32", "stop_seconds": "float32", "probability": "float32"},
    facts={
        "text": "coalesce(string_agg(word, ' ' ORDER BY start_seconds), '')",
        "words": "count(*)",
        "probability_mean": "avg(probability)",
        "unsure_share": "avg((probability < 0.5)::INTEGER)",
    },
)
def transcript(
    samples: Samples,
    voice_activity: Table,
    *,
    beam: int = 1,
    least_speech_seconds: float = 0.25,
    near_seconds: float = 0.3,
) -> dict[str, Any]:
    """A word counts where `voice_activity` hears speech within `near_seconds` of it; where nothing is said, the network
    likes to invent polite words. A segment with less speech than `least_speech_seconds` has no rows.

    `beam`: how many sentences are weighed against each other; 5 is Whisper's own default and three times slower.
    """
    spoken = voice_activity["start_seconds"][voice_activity["is_speech"]]
    found = (
        words(samples.values, beam=beam, asked_by="transcript") if len(spoken) * 0.032 >= least_speech_seconds else []
    )
    kept = [
        word
        for word in found
        if np.any((spoken + 0.032 > word.start_seconds - near_seconds) & (spoken < word.stop_seconds + near_seconds))
    ]
    return {
        "word": [word.text for word in kept],
        "start_seconds": np.array([word.start_seconds for word in kept], np.float32),
        "stop_seconds": np.array([min(word.stop_seconds, samples.duration_seconds) for word in kept], np.float32),
        "probability": np.array([word.probability for word in kept], np.float32),
    }
