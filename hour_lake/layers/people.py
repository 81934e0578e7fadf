"""Who is who in the whole corpus: segments of one face have one name, so that nobody is in two parts of a dataset."""

from typing import Any

import numpy as np

from hour_lake.layers import Table, layer
from hour_lake.layers._clusters import clusters
from hour_lake.layers._groups import named


@layer(
    reads="identity",
    rows="corpus",
    columns={"person": "string", "distance": "float32", "segments": "int32"},
    facts={"person": "first(person)", "distance": "first(distance)", "segments": "first(segments)"},
)
def people(identity: Table, *, same_within: float = 0.5) -> dict[str, Any]:
    """`person`: the first segment of that face. `distance`: from the mean of all its segments. `segments`: how many.

    Distances are of dlib's 128 numbers. In the sample corpus two looks of one person are up to 0.35 apart, of two
    people 0.65 and more; 0.5 is the threshold of dlib's own example of clustering faces. A segment without a face has
    no row.
    """
    seen = np.isfinite(identity["embedding"]).all(axis=1)
    segments, faces = identity["segment_id"][seen], identity["embedding"][seen].astype(np.float64)
    groups = clusters(faces, within=same_within)
    means = np.array([faces[groups == group].mean(axis=0) for group in range(groups.max(initial=-1) + 1)])
    distance = np.linalg.norm(faces - means[groups], axis=1) if len(faces) else np.zeros(0)
    person, sizes = named(groups, segments.tolist())
    return {"segment_id": segments, "person": person, "distance": distance, "segments": sizes}
