"""Where the light of a segment stands in the whole corpus."""

import numpy as np

from hour_lake.layers import Table, layer


@layer(reads="luminance", rows="corpus", columns={"rank": "float32"}, facts={"rank": "first(rank)"})
def light_rank(luminance: Table):
    """0: the darkest of all segments, 1: the brightest, by their mean luma. For a dataset that is even in light."""
    names, segment = np.unique(luminance["segment_id"].astype(str), return_inverse=True)
    light = np.bincount(segment, luminance["luma"]) / np.bincount(segment)
    return {"segment_id": names, "rank": np.argsort(np.argsort(light)) / max(len(names) - 1, 1)}
