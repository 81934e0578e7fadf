"""Finding segments whose sound fingerprints agree at some offset, without comparing every segment with every other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Table

STEP_SECONDS = 0.032
COMMON = 32  # a hash that more rows have says nothing (a hum, a pause): nothing is looked up by it
LEAST_HITS = 2  # equal hashes at one offset, before two segments are compared bit by bit


@dataclass(frozen=True)
class Sound:
    """The hashes of all segments, one segment after the other: segment k has rows `starts[k]` to `starts[k + 1]`."""

    names: list[str]
    starts: NDArray[np.intp]
    hashes: NDArray[np.uint32]
    heard: NDArray[np.bool_]

    @staticmethod
    def of(table: Table) -> "Sound":
        """From the table `sound_hash`, one row a segment."""
        starts = np.append(0, np.cumsum([len(hashes) for hashes in table["hashes"]])).astype(np.intp)
        hashes = np.concatenate([*table["hashes"], np.zeros(0, np.int32)]).astype(np.int32)
        heard = np.concatenate([*table["is_heard"], np.zeros(0, bool)]).astype(bool)
        return Sound(table["segment_id"].tolist(), starts, hashes.view(np.uint32), heard)


@dataclass(frozen=True)
class Pair:
    """Two segments that sound the same: row k of `one` is row k + `shift` of `other`."""

    one: int
    other: int
    shift: int
    bit_error_share: float
    overlap_seconds: float


def pairs_of(sound: Sound, *, most_bit_errors: float, least_overlap_seconds: float) -> Iterator[Pair]:
    """All pairs below the threshold, each at the offset with the fewest wrong bits."""
    best: dict[tuple[int, int], Pair] = {}
    for one, other, shift in _candidates(sound):
        pair = _compared(sound, one, other, shift)
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


def _compared(sound: Sound, one: int, other: int, shift: int) -> Pair:
    """Wrong bits over the rows that both have and in which something is heard."""
    first, second = (slice(sound.starts[k], sound.starts[k + 1]) for k in (one, other))
    begin, end = max(0, -shift), min(first.stop - first.start, second.stop - second.start - shift)
    ours, theirs = slice(begin, end), slice(begin + shift, end + shift)
    heard = sound.heard[first][ours] & sound.heard[second][theirs]
    wrong = np.bitwise_count(sound.hashes[first][ours] ^ sound.hashes[second][theirs])[heard]
    share = float(wrong.mean()) / 32 if len(wrong) else 1.0
    return Pair(one, other, shift, share, len(wrong) * STEP_SECONDS)


def picture_bits(pictures: Table, one: str, other: str, pair: Pair) -> float:
    """The median of differing bits of the pictures of the same moments; infinite when they have none in common."""
    (one_at, one_hash), (other_at, other_hash) = _pictures(pictures, one), _pictures(pictures, other)
    if not len(one_at) or not len(other_at):
        return float("inf")
    moments = one_at + pair.shift * STEP_SECONDS
    nearest = np.abs(other_at[None, :] - moments[:, None]).argmin(axis=1)
    together = np.abs(other_at[nearest] - moments) <= 0.5
    bits = np.bitwise_count((one_hash ^ other_hash[nearest]).view(np.uint64))[together]
    return float(np.median(bits)) if len(bits) else float("inf")


def _pictures(pictures: Table, segment: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times and hashes of one segment; the table is in order of segments."""
    ids = pictures["segment_id"]
    low, high = np.searchsorted(ids, segment, "left"), np.searchsorted(ids, segment, "right")
    return pictures["time_seconds"][low:high], pictures["hash"][low:high]


def connected(count: int, edges: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    """For each of `count` things the first one that it is connected with, by way of others too."""
    group = list(range(count))

    def top(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    for one, other in edges:
        low, high = sorted((top(one), top(other)))
        group[high] = low
    return np.array([top(k) for k in range(count)], np.intp)
