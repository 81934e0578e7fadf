"""Where a video is cut: shots, then speech within each shot, then lengths; from arrays alone, on the grid of 40 ms.

shots    |--------------------------------|-----------------------|
speech      ###########        #############   ##   ##########
stretch  |p|~~~~~~~~~~~~~|pause|~~~~~~~~~~|~~~~~~~~~~~~~~~~|pause|
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hour_lake.errors import ConfigError
from hour_lake.identity import FRAME_MS
from hour_lake.media.clock import first_tick
from hour_lake.settings import SegmentRules

WINDOW_MS = 32  # of `speech_probability`
NEIGHBOURS = 2  # frames on either side that a cut must stand out from (PySceneDetect `AdaptiveDetector`, window_width)
PAUSE_PROBABILITY = 0.35  # below this a window counts as a pause to split in (Silero: 0.15 under its threshold of 0.5)
Span = tuple[int, int]  # [start, stop) in steps of the grid


@dataclass(frozen=True)
class Stretch:
    """`[start_ms, stop_ms)` of a video: a segment, or left out for a `reason`.

    Reasons: `pause` (no speech), `too_short` (a shot or an utterance under the least length), `tail` (what is left of a
    stretch that was split).
    """

    start_ms: int
    stop_ms: int
    segment: bool
    reason: str | None


class Scanned(Protocol):
    """The arrays of a `Scan` (see there); nothing else is read."""

    @property
    def time_ms(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def content_score(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def speech_probability(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def duration_ms(self) -> float: ...  # noqa: D102


def plan(scan: Scanned, rules: SegmentRules) -> list[Stretch]:
    """Stretches that cover the whole video in order, without gap or overlap; segments keep within the rules' lengths.

    Without sound, or when no speech is heard anywhere, shots and lengths alone decide: layers label that, and a gate
    may drop it. `[s for s in plan(scan(path, limits), rules) if s.segment]`
    """
    if rules.min_seconds > rules.max_seconds:
        raise ConfigError(
            "CONFIG_TYPE", "min_seconds is more than max_seconds", value=rules.min_seconds, fix="swap them"
        )
    end = first_tick(scan.duration_ms) // FRAME_MS
    speech = np.asarray(scan.speech_probability, np.float64)
    spoken = spoken_spans(speech, end, rules)
    found: list[Stretch] = []
    for shot in shots(scan, end, rules):
        kept = [_overlap(shot, span) for span in spoken] if spoken else [shot]
        at = shot[0]
        for piece in (span for span in kept if span[0] < span[1]):
            found += _left_out((at, piece[0]), "pause")
            found += _pieces(piece, speech if spoken else speech[:0], rules)
            at = piece[1]
        found += _left_out((at, shot[1]), "pause")
    return found


def shots(scan: Scanned, end: int, rules: SegmentRules) -> list[Span]:
    """Spans between hard cuts. A cut at a source time is the first step of the grid that shows the new shot."""
    steps = {first_tick(float(scan.time_ms[index])) // FRAME_MS for index in cut_frames(scan.content_score, rules)}
    bounds = [0, *sorted(step for step in steps if 0 < step < end), end]
    return [span for span in zip(bounds, bounds[1:], strict=False) if span[0] < span[1]]


def cut_frames(content_score: NDArray[Any], rules: SegmentRules) -> list[int]:
    """Frames that begin a shot: a content value of at least `shot_threshold`, and `shot_ratio` times its neighbours'.

    The ratio keeps a shaking camera and noise in the dark from counting (PySceneDetect's adaptive rule: the mean of two
    frames on either side).
    """
    score = np.asarray(content_score, np.float64)
    found: list[int] = []
    for index in np.flatnonzero(score >= rules.shot_threshold).tolist():
        near = np.r_[score[max(1, index - NEIGHBOURS) : index], score[index + 1 : index + 1 + NEIGHBOURS]]
        if index and (not len(near) or score[index] >= rules.shot_ratio * near.mean()):
            found.append(index)
    return found


def spoken_spans(speech: NDArray[np.float64], end: int, rules: SegmentRules) -> list[Span]:
    """Spans of speech, pauses up to `max_pause_seconds` included, with up to `pad_seconds` around; none without speech.

    A video's first and last silence is treated like any other pause.
    """
    runs = _runs(speech >= rules.speech_probability)
    if not runs:
        return []
    joined: list[tuple[float, float]] = []
    for start, stop in ((a * WINDOW_MS, b * WINDOW_MS) for a, b in runs):
        if joined and start - joined[-1][1] <= rules.max_pause_seconds * 1000:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return list(_padded(joined, end, rules))


def _padded(spans: Sequence[tuple[float, float]], end: int, rules: SegmentRules) -> Iterator[Span]:
    """Spans in ms, padded into the pauses around them; where two would meet, each takes its half."""
    pad, whole = rules.pad_seconds * 1000, rules.max_pause_seconds * 1000
    before = 0.0
    for index, (start, stop) in enumerate(spans):
        is_first, is_last = index == 0, index == len(spans) - 1
        after = end * FRAME_MS if is_last else spans[index + 1][0]
        room = (start - before) / (1 if is_first else 2), (after - stop) / (1 if is_last else 2)
        left = start if is_first and start <= whole else min(pad, room[0])
        right = after - stop if is_last and after - stop <= whole else min(pad, room[1])
        before = stop
        yield max(0, math.floor((start - left) / FRAME_MS)), min(end, math.floor((stop + right) / FRAME_MS))


def _runs(flags: NDArray[np.bool_]) -> list[Span]:
    """Half-open index ranges where the flags are set."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _overlap(a: Span, b: Span) -> Span:
    return max(a[0], b[0]), min(a[1], b[1])


def _left_out(span: Span, reason: str) -> list[Stretch]:
    return [] if span[0] >= span[1] else [Stretch(span[0] * FRAME_MS, span[1] * FRAME_MS, False, reason)]


def _pieces(piece: Span, speech: NDArray[np.float64], rules: SegmentRules) -> list[Stretch]:
    """A stretch of one shot as segments of allowed length, split where needed."""
    least, most = math.ceil(rules.min_seconds * 1000 / FRAME_MS), math.floor(rules.max_seconds * 1000 / FRAME_MS)
    at, stop = piece
    found: list[Stretch] = []
    while stop - at > most:
        split = _split(at, stop, least, most, speech)
        found.append(Stretch(at * FRAME_MS, split * FRAME_MS, True, None))
        at = split
    if stop - at >= least:
        return [*found, Stretch(at * FRAME_MS, stop * FRAME_MS, True, None)]
    return found + _left_out((at, stop), "tail" if found else "too_short")


def _split(at: int, stop: int, least: int, most: int, speech: NDArray[np.float64]) -> int:
    """Where to end a segment that begins at `at` and would be too long.

    In the second half of what is allowed, and so that the rest is not too short: in the middle of the longest pause;
    without a pause, where speech is least likely; without sound, into equal parts.
    """
    latest = max(at + least, min(at + most, stop - least))
    earliest = min(latest, max(at + least, at + most // 2))
    if not len(speech):
        parts = math.ceil((stop - at) / most)
        return min(latest, max(earliest, at + math.ceil((stop - at) / parts)))
    steps = np.arange(earliest, latest + 1)
    windows = np.minimum(steps * FRAME_MS // WINDOW_MS, len(speech) - 1)
    quiet = speech[windows] < PAUSE_PROBABILITY
    pauses = _runs(quiet)
    if not pauses:
        return int(steps[int(np.argmin(speech[windows]))])
    start, end = max(pauses, key=lambda run: (run[1] - run[0], run[0]))
    return int(steps[(start + end - 1) // 2])
