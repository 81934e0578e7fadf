"""Which of the faces speaks: the one whose mouth moves as loudly as the sound is, moment by moment."""

from typing import Any

import numpy as np

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Samples, Table, layer
from hour_lake.layers._speech_curve import CURVE_HZ, correlations, quick_part, vowel_loudness
from hour_lake.layers._tracks import follow
from hour_lake.layers.face_tracks import BOX

MOST_SHIFT_SECONDS = 0.2  # what a badly synchronised video may have


@layer(
    reads=("face_boxes", "lip_motion", "samples"),
    rows="window",
    group="av",
    columns={"track_id": "int32", "score": "float32", "motion": "float32", "is_active": "bool"},
    facts={
        "active_track": "first(track_id) FILTER (is_active)",
        "score": "max(score)",
        "margin": "max(score) FILTER (is_active) - max(score) FILTER (NOT is_active)",
        "is_known": "count(*) FILTER (is_active) > 0",
    },
)
def active_speaker(
    face_boxes: Table,
    lip_motion: Table,
    samples: Samples,
    *,
    least_overlap: float = 0.5,
    most_missed_frames: int = 25,
    shortest_frames: int = 5,
    active_from: float = 0.25,
    over_seconds: float = 0.24,
    steady_seconds: float = 1.0,
) -> dict[str, Any]:
    """One row a track, numbered as in `face_tracks` (set the keywords of both alike).

    `score`: the correlation of `lip_motion` with the loudness of the vowels, both as means over `over_seconds` (a
    syllable) less what changes more slowly than `steady_seconds`. `motion`: the mean of `lip_motion`. Active is the
    highest score from `active_from` on: over 14 s of the sample corpus, own sound has 0.46 to 0.53, other at most 0.25.
    """
    boxes = [np.column_stack(list(frame)) for frame in zip(*(face_boxes[name] for name in BOX), strict=True)]
    tracks = follow(boxes, least_overlap=least_overlap, most_missed=most_missed_frames)
    kept = [track for track in tracks if len(track.frames) >= shortest_frames]
    loud = vowel_loudness(samples.values, samples.rate_hz)
    moves = [_moves(track.frames, track.places, lip_motion["lip_motion"]) for track in kept]
    scores = np.array([_score(*one, loud, over_seconds, steady_seconds) for one in moves], np.float32)
    active = np.zeros(len(kept), bool)
    if len(kept) and np.nanmax(scores, initial=-1) >= active_from:
        active[np.nanargmax(scores)] = True
    motion = np.array([values.mean() for _, values in moves], np.float32)
    return {"track_id": np.arange(len(kept), dtype=np.int32), "score": scores, "motion": motion, "is_active": active}


def _moves(frames: list[int], places: list[int], lip_motion: Any) -> tuple[Any, Any]:
    """Times and how much the mouth moves then; 0 in frames where the face was not found."""
    times = np.arange(frames[0], frames[-1] + 1)
    values = np.zeros(len(times))
    values[np.array(frames) - frames[0]] = [lip_motion[f][place] for f, place in zip(frames, places, strict=True)]
    return times / FRAME_RATE, values


def _score(times: Any, values: Any, loud: Any, over_seconds: float, steady_seconds: float) -> float:
    at = np.arange(round(times[0] * CURVE_HZ), min(round(times[-1] * CURVE_HZ) + 1, len(loud)))
    box = np.ones(max(1, round(over_seconds * CURVE_HZ)))
    if len(at) <= len(box):
        return float("nan")
    curves = (np.interp(at / CURVE_HZ, times, values), loud[at])
    smooth = [np.asarray(np.convolve(curve, box / len(box), "same"), np.float64) for curve in curves]
    quick = [quick_part(curve, rate_hz=CURVE_HZ, seconds=steady_seconds) for curve in smooth]
    found = correlations(quick[0], quick[1], most=round(MOST_SHIFT_SECONDS * CURVE_HZ))
    return float(found.max()) if found.any() else float("nan")
