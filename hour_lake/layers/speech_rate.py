"""How fast is spoken: words and syllables a second of speech, and how long the pauses between words are."""

import re
from typing import Any

import numpy as np

from hour_lake.layers import Table, layer

NAMES = ("words_per_second", "syllables_per_second", "pause_share", "longest_pause_seconds")
VOWELS = re.compile(r"[aeiouy]+")
SILENT_END = re.compile(r"([^aeiouyl]|[aeiouy]l|qu)e$")


@layer(
    reads="transcript",
    rows="segment",
    group="audio",
    columns=dict.fromkeys(NAMES, "float32"),
    facts={name: f"first({name})" for name in NAMES},
)
def speech_rate(transcript: Table, *, pause_from_seconds: float = 0.15) -> dict[str, Any]:
    """Between the first word and the last, the pauses of `pause_from_seconds` and more taken out for the two rates.

    150 to 190 words a minute (2.5 to 3.2 a second) are usual in talks. Fewer than two words: no values.
    """
    words, starts, stops = (transcript[name] for name in ("word", "start_seconds", "stop_seconds"))
    if len(words) < 2:
        return dict.fromkeys(NAMES, np.nan)
    gaps = np.maximum(starts[1:] - stops[:-1], 0)
    pauses, seconds = gaps[gaps >= pause_from_seconds], float(stops[-1] - starts[0])
    spoken = max(seconds - pauses.sum(), 1e-3)
    return {
        "words_per_second": len(words) / spoken,
        "syllables_per_second": sum(map(syllables, words)) / spoken,
        "pause_share": pauses.sum() / max(seconds, 1e-3),
        "longest_pause_seconds": gaps.max(),
    }


def syllables(word: str) -> int:
    """Groups of vowels in an English word, a silent e at its end left out: right for about nine words in ten.

    Silent is an e after a consonant (`late`, not `coffee`; `table` is said with two) or in `que`.
    """
    letters = re.sub(r"[^a-z]", "", word.lower())
    return max(1, len(VOWELS.findall(letters)) - bool(SILENT_END.search(letters)))
