"""Who is who in the whole corpus, by `face_embedding`; `people` says the same by `identity`."""

from typing import Any

from hour_lake.layers import Table, layer
from hour_lake.layers._by_cosine import named_by_cosine


@layer(
    reads="face_embedding",
    rows="corpus",
    opt_in=True,
    columns={"person": "string", "distance": "float32", "segments": "int32"},
    facts={"person": "first(person)", "distance": "first(distance)", "segments": "first(segments)"},
)
def people_arcface(face_embedding: Table, *, same_within: float = 0.52) -> dict[str, Any]:
    """`person`: the first segment of that face. `distance`: 1 less the cosine to the mean of all its segments.

    InsightFace's own program groups the faces of an album at a cosine of 0.48 (insightface 2.1). It was not measured
    here, for want of the weights. A segment without a face has no row.
    """
    segments, person, distance, sizes = named_by_cosine(face_embedding, within=same_within)
    return {"segment_id": segments, "person": person, "distance": distance, "segments": sizes}
