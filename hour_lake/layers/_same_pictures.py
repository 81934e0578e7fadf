"""Whether two segments show the same pictures at the same moments, by their perceptual hashes."""

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Table


def picture_bits(pictures: Table, one: str, other: str, *, shift_seconds: float) -> float:
    """The median of differing bits of the pictures of the same moments; infinite when they have none in common."""
    (one_at, one_hash), (other_at, other_hash) = _pictures(pictures, one), _pictures(pictures, other)
    if not len(one_at) or not len(other_at):
        return float("inf")
    moments = one_at + shift_seconds
    nearest = np.abs(other_at[None, :] - moments[:, None]).argmin(axis=1)
    together = np.abs(other_at[nearest] - moments) <= 0.5
    bits = np.bitwise_count((one_hash ^ other_hash[nearest]).view(np.uint64))[together]
    return float(np.median(bits)) if len(bits) else float("inf")


def _pictures(pictures: Table, segment: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times and hashes of one segment; the table is in order of segments."""
    ids = pictures["segment_id"]
    low, high = np.searchsorted(ids, segment, "left"), np.searchsorted(ids, segment, "right")
    return pictures["time_seconds"][low:high], pictures["hash"][low:high]
