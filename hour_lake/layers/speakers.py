"""Who speaks in the whole corpus: segments of one voice have one name, whoever is in the picture."""

from typing import Any

import numpy as np

from hour_lake.layers import Table, layer
from hour_lake.layers._clusters import clusters
from hour_lake.layers._groups import named


@layer(
    reads="speaker_embedding",
    rows="corpus",
    opt_in=True,
    columns={"speaker": "string", "distance": "float32", "segments": "int32"},
    facts={"speaker": "first(speaker)", "distance": "first(distance)", "segments": "first(segments)"},
)
def speakers(speaker_embedding: Table, *, same_within: float = 0.14) -> dict[str, Any]:
    """`speaker`: the first segment of that voice. `distance`: 1 less the cosine to the mean of all its segments.

    The threshold is from the sample corpus, whose two voices are synthetic: pieces of one are at most 0.12 apart, of
    two at least 0.17. Real voices in other rooms lie further apart, and clipping moves a voice by 0.3: look at
    `distance` before you trust it. A segment with too little speech has no row.
    """
    known = np.isfinite(speaker_embedding["embedding"]).all(axis=1)
    segments, voices = speaker_embedding["segment_id"][known], speaker_embedding["embedding"][known].astype(np.float64)
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)
    groups = clusters(voices, within=float(np.sqrt(2 * same_within)))  # of length 1: |a - b|^2 = 2 (1 - a b)
    sums = np.array([voices[groups == group].sum(axis=0) for group in range(groups.max(initial=-1) + 1)])
    cosine = (voices * sums[groups]).sum(axis=1) / np.linalg.norm(sums[groups], axis=1) if len(voices) else np.zeros(0)
    speaker, sizes = named(groups, segments.tolist())
    return {"segment_id": segments, "speaker": speaker, "distance": 1 - cosine, "segments": sizes}
