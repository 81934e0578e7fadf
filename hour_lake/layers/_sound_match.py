"""Sound fingerprints of all segments, and how well those of two segments agree at an offset."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Table
from hour_lake.layers.sound_hash import RATE_HZ, STEP

STEP_SECONDS = STEP / RATE_HZ


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


def compared(sound: Sound, one: int, other: int, shift: int) -> Pair:
    """Wrong bits over the rows that both have and in which something is heard."""
    first, second = (slice(sound.starts[k], sound.starts[k + 1]) for k in (one, other))
    begin, end = max(0, -shift), min(first.stop - first.start, second.stop - second.start - shift)
    ours, theirs = slice(begin, end), slice(begin + shift, end + shift)
    heard = sound.heard[first][ours] & sound.heard[second][theirs]
    wrong = np.bitwise_count(sound.hashes[first][ours] ^ sound.hashes[second][theirs])[heard]
    share = float(wrong.mean()) / 32 if len(wrong) else 1.0
    return Pair(one, other, shift, share, len(wrong) * STEP_SECONDS)
