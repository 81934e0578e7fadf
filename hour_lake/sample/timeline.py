"""When everything happens in a take: frame times, speech, cuts, blinks, head poses. A take always gives the same."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hour_lake.sample.folding import smooth_step
from hour_lake.sample.pose import Pose
from hour_lake.sample.script import TAIL_SECONDS, Take
from hour_lake.sample.voice import spoken_ranges

Range = tuple[float, float]
Curve = NDArray[np.float64]

# A blink of 190 ms: the lid falls, rests and rises (people: 100 to 400 ms).
CLOSING_SECONDS, CLOSED_SECONDS, OPENING_SECONDS = 0.055, 0.060, 0.075
BLINK_SECONDS = CLOSING_SECONDS + CLOSED_SECONDS + OPENING_SECONDS
BLINK_GAPS_SECONDS = (2.0, 5.4)  # 12 to 30 a minute
TURN_SECONDS = 0.8
DIMMING_SECONDS = 0.6
DARK_EXPOSURE = 0.07


@dataclass(frozen=True)
class Timeline:
    """A take, worked out. All ranges are `[start, stop)` in seconds."""

    take: Take

    @cached_property
    def speech(self) -> list[Range]:
        """One range a sentence."""
        return spoken_ranges(self.take.video_id, self.take.pauses_seconds)

    @cached_property
    def duration_seconds(self) -> float:
        """A whole number of frames."""
        wanted = self.speech[-1][1] + TAIL_SECONDS
        return float(-(-wanted * self.take.rate // 1) / self.take.rate)

    @cached_property
    def pauses(self) -> list[Range]:
        """Where nothing is said: before, between and after the sentences."""
        edges = [(0.0, 0.0), *self.speech, (self.duration_seconds, self.duration_seconds)]
        return [(before[1], after[0]) for before, after in pairwise(edges)]

    @cached_property
    def times_seconds(self) -> Curve:
        """When each frame is shown, float64 `(frames,)`, the first at 0."""
        if self.take.pace == "variable":
            return _uneven_times(self.duration_seconds, self.take.seed)
        return np.arange(round(self.duration_seconds * self.take.rate)) / float(self.take.rate)

    @cached_property
    def shot_of_frame(self) -> NDArray[np.int64]:
        """Number of the shot that each frame belongs to."""
        starts = [sum(self.pauses[shot.before_sentence]) / 2 for shot in self.take.shots[1:]]
        return np.searchsorted(starts, self.times_seconds, side="right").astype(np.int64)

    @cached_property
    def cuts(self) -> list[float]:
        """Times of the first frame of each shot but the first."""
        return self.times_seconds[1:][np.diff(self.shot_of_frame) > 0].tolist()

    @cached_property
    def dark(self) -> list[Range]:
        """Where the light is at its lowest; it fades in the 0.6 s before and after."""
        return self._sentences(self.take.dark_sentences)

    @cached_property
    def clipped(self) -> list[Range]:
        """Where the sound is far above full scale and cut off."""
        return self._sentences(self.take.clipped_sentences)

    @cached_property
    def second_person(self) -> list[Range]:
        """Where two people are in the picture."""
        ends = [*self.cuts, self.duration_seconds]
        starts = [0.0, *self.cuts]
        shots = zip(self.take.shots, starts, ends, strict=True)
        return [(start, stop) for shot, start, stop in shots if len(shot.camera.places) > 1]

    @cached_property
    def blinks(self) -> list[Range]:
        """The presenter's; none near a cut, an end or in the dark."""
        taken = [
            *self.dark,
            *((cut, cut) for cut in self.cuts),
            (0.0, 0.1),
            (self.duration_seconds, self.duration_seconds),
        ]
        return [blink for blink in _blinks(self.duration_seconds, self.take.seed) if _far_from(blink, taken, 0.7)]

    @cached_property
    def exposure(self) -> Curve:
        """How much light each frame gets, 0..1."""
        light = np.ones(len(self.times_seconds))
        for start, stop in self.dark:
            outside = np.maximum(start - self.times_seconds, self.times_seconds - stop)
            light = np.minimum(light, DARK_EXPOSURE + (1 - DARK_EXPOSURE) * smooth_step(outside / DIMMING_SECONDS))
        return light

    @cached_property
    def closure(self) -> Curve:
        """How far the presenter's eyes are closed at each frame, 0..1."""
        return closure(self.blinks, self.times_seconds)

    def poses(self, said: Curve) -> list[Pose]:
        """The presenter's head at each frame; `said` is the mouth's opening, with which the head bobs a little."""
        times, seed = self.times_seconds, self.take.seed
        starts = [start for start, _ in self.speech]
        sizes = np.random.default_rng([seed, 1]).uniform(-1, 1, (len(starts), 2))
        yaw = 2.0 * _wave(times, seed, 0.13) + _turns(times, starts, 16 * _alternating(sizes[:, 0]))
        pitch = 1.5 * _wave(times, seed + 1, 0.19) + _turns(times, starts, 6 * sizes[:, 1])
        roll = 1.3 * _wave(times, seed + 2, 0.11) + 0.12 * yaw
        shift_x, shift_y = _wave(times, seed + 3, 0.16), _wave(times, seed + 4, 0.23) + 0.8 * said
        return [Pose(*map(float, values)) for values in zip(yaw, pitch, roll, shift_x, shift_y, strict=True)]

    def listening(self) -> tuple[Curve, list[Pose]]:
        """Closure and pose of the second person, who only listens."""
        times, seed = self.times_seconds, self.take.seed + 50
        waves = [size * _wave(times, seed + k, 0.1 + 0.02 * k) for k, size in enumerate((4.0, 2.0, 1.0, 1.0, 0.6))]
        blinks = _blinks(self.duration_seconds, seed)
        poses = [Pose(float(yaw) - 6, *map(float, rest)) for yaw, *rest in zip(*waves, strict=True)]
        return closure(blinks, times), poses

    def _sentences(self, between: tuple[int, int] | None) -> list[Range]:
        return [] if between is None else [(self.speech[between[0]][0], self.speech[between[1] - 1][1])]


def closure(blinks: list[Range], times_seconds: Curve) -> Curve:
    """How far eyes that blink in these ranges are closed at each time."""
    closed = np.zeros(len(times_seconds))
    for start, stop in blinks:
        falling = (times_seconds - start) / CLOSING_SECONDS
        rising = (stop - times_seconds) / OPENING_SECONDS
        closed = np.maximum(closed, smooth_step(np.minimum(falling, rising)))
    return closed


def _blinks(duration_seconds: float, seed: int) -> list[Range]:
    gaps = np.random.default_rng([seed, 2]).uniform(*BLINK_GAPS_SECONDS, size=int(duration_seconds))
    starts = np.round(np.cumsum(gaps + BLINK_SECONDS), 3)
    return [(float(start), round(float(start) + BLINK_SECONDS, 3)) for start in starts if start < duration_seconds]


def _far_from(blink: Range, taken: list[Range], seconds: float) -> bool:
    return all(blink[1] + seconds < start or blink[0] - seconds > stop for start, stop in taken)


def _alternating(values: Curve) -> Curve:
    """The same sizes, at least half, to one side and the other in turn, with rests in between."""
    sides = np.resize([1.0, 0.0, -1.0, 0.0], len(values))
    return sides * (0.6 + 0.4 * np.abs(values))


def _turns(times: Curve, starts: list[float], targets: Curve) -> Curve:
    """From one target to the next, easing over 0.8 s from each start on."""
    out = np.zeros(len(times))
    for start, step in zip(starts, np.diff(targets, prepend=0.0), strict=True):
        out += step * smooth_step((times - start) / TURN_SECONDS)
    return out


def _wave(times: Curve, seed: int, hertz: float) -> Curve:
    """A slow, uneven swing within -1..1."""
    phases = np.random.default_rng([seed, 3]).uniform(0, 2 * np.pi, 2)
    return 0.65 * np.sin(2 * np.pi * hertz * times + phases[0]) + 0.35 * np.sin(
        2 * np.pi * 2.3 * hertz * times + phases[1]
    )


def _uneven_times(duration_seconds: float, seed: int) -> Curve:
    """Whole milliseconds: 30 a second in good light, as few as 15 in bad, and one stall of a quarter second."""
    chance = np.random.default_rng([seed, 4])
    steps = int(duration_seconds * 30)
    light = 0.5 + 0.5 * np.sin(np.arange(steps) / 90)
    gaps = np.rint(33 + 33 * light**3 + chance.integers(-2, 3, steps)).astype(np.int64)
    gaps[steps // 3] = 250
    times = np.concatenate([[0], np.cumsum(gaps)])
    return times[times < 1000 * duration_seconds - 15] / 1000
