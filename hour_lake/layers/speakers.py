"""Who speaks in the whole corpus: segments of one voice have one name, whoever is in the picture."""

from typing import Any

from hour_lake.layers import Table, layer
from hour_lake.layers._by_cosine import named_by_cosine


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
    segments, speaker, distance, sizes = named_by_cosine(speaker_embedding, within=same_within)
    return {"segment_id": segments, "speaker": speaker, "distance": distance, "segments": sizes}
