"""Whose voice it is, as 256 numbers: alike for one speaker, unlike for two."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Samples, Table, layer
from hour_lake.layers._by_cosine import middle_and_spread
from hour_lake.models.ge2e import voices
from hour_lake.models.silero import WINDOW_SAMPLES

NUMBERS = 256


@layer(
    reads=("samples", "voice_activity"),
    rows="segment",
    opt_in=True,
    models=("ge2e_speaker",),
    memory_gib=2,
    columns={"embedding": f"float32[{NUMBERS}]", "spread": "float32", "pieces": "int16"},
    facts={"embedding": "first(embedding)", "spread": "first(spread)", "pieces": "first(pieces)"},
)
def speaker_embedding(
    samples: Samples,
    voice_activity: Table,
    *,
    least_speech_seconds: float = 1.2,
    around_seconds: float = 0.096,
    least_dbfs: float = -30,
) -> dict[str, Any]:
    """Needs the extra `torch`. `embedding`: the mean over pieces of 1.6 s of speech, of length 1. `spread`: the largest
    distance of a piece from it, so two voices in one segment show. Distance is 1 less the cosine: in the sample corpus
    at most 0.12 between 6 s of one voice, at least 0.16 between the two. Sound that clips moves away from its own
    voice, by up to 0.29: ask `clipping` first.

    As Resemblyzer does, quiet sound is raised to `least_dbfs` and pauses are taken out, but for `around_seconds` before
    and after speech; here `voice_activity` says where speech is. With less of it than `least_speech_seconds` (three
    quarters of a piece) there is no embedding.
    """
    spoken = voice_activity["is_speech"]
    if spoken.sum() * WINDOW_SAMPLES < least_speech_seconds * samples.rate_hz:
        return {"embedding": np.full(NUMBERS, np.nan, np.float32), "spread": np.nan, "pieces": 0}
    loud = samples.values * np.float32(max(1, 10 ** (least_dbfs / 20) / np.sqrt(np.mean(samples.values**2))))
    around = round(around_seconds * samples.rate_hz / WINDOW_SAMPLES)
    found = voices(loud[kept(spoken, around=around, samples=len(loud))], asked_by="speaker_embedding")
    middle, spread = middle_and_spread(found)
    return {"embedding": middle, "spread": spread, "pieces": len(found)}


def kept(spoken: NDArray[np.bool_], *, around: int, samples: int) -> NDArray[np.bool_]:
    """`(samples,)`: in a window with speech or at most `around` windows from one."""
    near = np.convolve(spoken, np.ones(2 * around + 1), "full")[around : around + len(spoken)] > 0
    return np.repeat(near, WINDOW_SAMPLES)[:samples]
