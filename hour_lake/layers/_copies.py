"""Finding segments whose sound fingerprints agree at some offset, without comparing every segment with every other."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers._sound_match import Pair, Sound, compared

COMMON = 32  # a hash that more rows have says nothing (a hum, a pause): nothing is looked up by it
LEAST_HITS = 2  # equal hashes at one offset, before two segments are compared bit by bit


def pairs_of(sound: Sound, *, most_bit_errors: float, least_overlap_seconds: float) -> Iterator[Pair]:
    """All pairs below the threshold, each at the offset with the fewest wrong bits."""
    best: dict[tuple[int, int], Pair] = {}
    for one, other, shift in _candidates(sound):
        pair = compared(sound, one, other, shift)
        if pair.bit_error_share < most_bit_errors and pair.overlap_seconds >= least_overlap_seconds:
            known = best.get((one, other))
            if known is None or pair.bit_error_share < known.bit_error_share:
                best[one, other] = pair
    yield from best.values()


def _candidates(sound: Sound) -> list[tuple[int, int, int]]:
    """(one, other, shift) that have some hashes in common; found by sorting, so the cost is that of n log n rows."""
    sizes = np.diff(sound.starts)
    segment = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(segment)) - np.repeat(sound.starts[:-1], sizes)
    rows = np.flatnonzero(sound.heard)
    rows = rows[np.argsort(sound.hashes[rows], kind="stable")]
    _, inverse, counts = np.unique(sound.hashes[rows], return_inverse=True, return_counts=True)
    rows = rows[(counts[inverse] > 1) & (counts[inverse] <= COMMON)]
    hits = [_hits(rows[:-lag], rows[lag:], sound.hashes, segment, place) for lag in range(1, min(COMMON, len(rows)))]
    if not hits:
        return []
    found, counts = np.unique(np.concatenate(hits), axis=0, return_counts=True)
    return [tuple(row) for row in found[counts >= LEAST_HITS].tolist()]


def _hits(one: Any, other: Any, hashes: Any, segment: Any, place: Any) -> NDArray[np.int64]:
    same = (hashes[one] == hashes[other]) & (segment[one] != segment[other])
    one, other = np.minimum(one[same], other[same]), np.maximum(one[same], other[same])
    return np.stack([segment[one], segment[other], place[other] - place[one]], axis=1)
