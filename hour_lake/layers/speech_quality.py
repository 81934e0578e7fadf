"""How good the speech sounds: what listeners would say, from 1 (bad) to 5 (excellent), as a network estimates it."""

from typing import Any

import numpy as np

from hour_lake.layers import Samples, layer
from hour_lake.models.distillmos import SAMPLES, piece_starts, speech_mos


@layer(
    reads="samples",
    opt_in=True,
    models=("distill_mos",),
    memory_gib=2,
    columns={"start_seconds": "float32", "mos": "float32"},
    facts={"mean": "avg(mos)", "min": "min(mos)"},
)
def speech_quality(samples: Samples) -> dict[str, Any]:
    """Needs the extra `torch`. Rows are of 7.68 s and begin at most 1 s apart; a shorter segment is one row. The fact
    `mean` is what DistillMOS itself answers for the whole. A row of digital silence has no number.

    Compare it within one kind of recording: the synthetic voices of the sample corpus get 1.6 to 2.7, and a little hiss
    does not harm them; the authors show 4.55 for a clean recording. What is no speech has a number that says nothing.
    The scale is not that of UTMOS, so its gate (3.4 in NeMo Curator) does not fit.
    """
    starts = piece_starts(len(samples.values))
    pieces = [samples.values[start : start + SAMPLES] for start in starts]
    return {
        "start_seconds": np.array(starts) / samples.rate_hz,
        "mos": np.array([speech_mos(piece, asked_by="speech_quality") if piece.any() else np.nan for piece in pieces]),
    }
