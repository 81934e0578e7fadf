"""Finding segments whose sound fingerprints agree at some offset, without comparing every segment with every other."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers._sound_match import Pair, Sound, compared

COMMON = 32  # of a hash that more rows have (a hum, a pause, a clip that came 40 times) not all pairs are looked at
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
    is_rare = counts[inverse] <= COMMON
    rare, common = rows[is_rare & (counts[inverse] > 1)], _first_of_each_segment(rows[~is_rare], sound.hashes, segment)
    hits = [_hits(rare[:-lag], rare[lag:], sound.hashes, segment, place) for lag in range(1, min(COMMON, len(rare)))]
    hits.append(_hits(common[:-1], common[1:], sound.hashes, segment, place))
    found, counts = np.unique(np.concatenate(hits), axis=0, return_counts=True)
    return [tuple(row) for row in found[counts >= LEAST_HITS].tolist()]


def _first_of_each_segment(rows: Any, hashes: Any, segment: Any) -> Any:
    """Of rows sorted by hash, and by segment within one: where a hash is first in each segment.

    Then neighbours are copies of neighbours, which makes all of them one group without comparing each with each.
    """
    new = (np.diff(hashes[rows].astype(np.int64), prepend=-1) != 0) | (np.diff(segment[rows], prepend=-1) != 0)
    return rows[new]


def _hits(one: Any, other: Any, hashes: Any, segment: Any, place: Any) -> NDArray[np.int64]:
    same = (hashes[one] == hashes[other]) & (segment[one] != segment[other])
    one, other = np.minimum(one[same], other[same]), np.maximum(one[same], other[same])
    return np.stack([segment[one], segment[other], place[other] - place[one]], axis=1)
