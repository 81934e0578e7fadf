"""Copies in the whole corpus: segments that look and sound the same, cut elsewhere, scaled or compressed again."""

from typing import Any

import numpy as np

from hour_lake.layers import Table, layer
from hour_lake.layers._copies import pairs_of
from hour_lake.layers._groups import connected
from hour_lake.layers._same_pictures import picture_bits
from hour_lake.layers._sound_match import STEP_SECONDS, Pair, Sound


@layer(
    reads=("sound_hash", "picture_hash"),
    rows="corpus",
    columns={"original": "string", "is_copy": "bool", "copies": "int32", "bit_error_share": "float32",
             "picture_bits": "float32", "overlap_seconds": "float32"},
    facts={"original": "first(original)", "is_copy": "bool_or(is_copy)", "copies": "first(copies)",
           "bit_error_share": "first(bit_error_share)", "overlap_seconds": "first(overlap_seconds)"},
)  # fmt: skip
def duplicates(
    sound_hash: Table,
    picture_hash: Table,
    *,
    most_bit_errors: float = 0.35,
    least_overlap_seconds: float = 3.0,
    most_picture_bits: float = 10.0,
) -> dict[str, Any]:
    """`original`: the first segment of those that are copies of each other; `copies`: how many others there are.

    Two segments are copies when at some offset their sounds agree for at least `least_overlap_seconds` with a share of
    wrong bits below `most_bit_errors` (Haitsma and Kalker: 0.35, over 3.3 s), and the pictures of these seconds differ
    in at most `most_picture_bits` of 64 bits (the median; usual for pHash). Talks before a still camera all look alike:
    it is the sound that tells them apart. `bit_error_share`, `picture_bits`, `overlap_seconds`: of the nearest copy.
    A segment without sound has no row.
    """
    sound = Sound.of(sound_hash)
    found: list[tuple[Pair, float]] = []
    for pair in pairs_of(sound, most_bit_errors=most_bit_errors, least_overlap_seconds=least_overlap_seconds):
        named = sound.names[pair.one], sound.names[pair.other]
        bits = picture_bits(picture_hash, *named, shift_seconds=pair.shift * STEP_SECONDS)
        if bits <= most_picture_bits:
            found.append((pair, bits))
    groups = connected(len(sound.names), [(pair.one, pair.other) for pair, _ in found])
    nearest: dict[int, tuple[Pair, float]] = {}
    for pair, bits in sorted(found, key=lambda item: -item[0].bit_error_share):
        nearest[pair.one] = nearest[pair.other] = (pair, bits)
    told = [nearest.get(k) for k in range(len(sound.names))]
    sizes = np.bincount(groups, minlength=len(groups))[groups] if len(groups) else np.zeros(0, np.int64)
    return {
        "segment_id": sound.names,
        "original": [sound.names[group] for group in groups],
        "is_copy": groups != np.arange(len(groups)),
        "copies": sizes - 1,
        "bit_error_share": np.array([t[0].bit_error_share if t else np.nan for t in told]),
        "picture_bits": np.array([t[1] if t else np.nan for t in told]),
        "overlap_seconds": np.array([t[0].overlap_seconds if t else 0.0 for t in told]),
    }
