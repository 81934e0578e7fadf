"""Plans cover the video, keep to the rules, and cut where a person would."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hour_lake.errors import ConfigError
from hour_lake.media.clock import first_tick
from hour_lake.media.plan import Stretch, cut_frames, plan
from hour_lake.settings import SegmentRules

RULES = SegmentRules()


@dataclass
class Arrays:
    """A scan of a video at a constant rate: quiet content but for the cuts (at seconds), speech in the spans given."""

    seconds: float
    rate: float = 25.0
    cuts: tuple[float, ...] = ()
    spoken: tuple[tuple[float, float], ...] | None = None
    probability: float = 0.9
    speech_probability: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        windows = np.arange(int(np.ceil(self.seconds * 1000 / 32))) * 0.032
        spans = self.spoken or ()
        inside = np.any([(windows >= a) & (windows < b) for a, b in spans], axis=0) if spans else windows < 0
        self.speech_probability = np.where(inside, self.probability, 0.02).astype(np.float32)
        if self.spoken is None:
            self.speech_probability = np.zeros(0, np.float32)

    @property
    def time_ms(self) -> NDArray[np.float64]:
        return np.arange(round(self.seconds * self.rate)) * 1000 / self.rate

    @property
    def content_score(self) -> NDArray[np.float32]:
        score = np.full(len(self.time_ms), 1.0, np.float32)
        score[:1] = 0
        for cut in self.cuts:
            score[int(np.searchsorted(self.time_ms, cut * 1000 - 1e-6))] = 60
        return score

    @property
    def duration_ms(self) -> float:
        return self.seconds * 1000


def spans(stretches: list[Stretch]) -> list[tuple[float, float, str]]:
    """Seconds from and to, and `+` or the reason."""
    return [(s.start_ms / 1000, s.stop_ms / 1000, "+" if s.segment else s.reason or "?") for s in stretches]


CASES: list[tuple[str, Arrays, list[tuple[float, float, str]]]] = [
    ("one shot", Arrays(10), [(0, 10, "+")]),
    ("two shots", Arrays(12, cuts=(5,)), [(0, 5, "+"), (5, 12, "+")]),
    ("a short shot", Arrays(12, cuts=(5, 7)), [(0, 5, "+"), (5, 7, "too_short"), (7, 12, "+")]),
    ("a cut between steps", Arrays(12, rate=30, cuts=(5.0333,)), [(0, 5.04, "+"), (5.04, 12, "+")]),
    ("too long, no sound: equal parts", Arrays(40), [(0, 13.36, "+"), (13.36, 26.68, "+"), (26.68, 40, "+")]),
    ("just over the limit", Arrays(15.4), [(0, 7.72, "+"), (7.72, 15.4, "+")]),
    ("a short video", Arrays(2), [(0, 2, "too_short")]),
    ("an odd end belongs to the last frame", Arrays(10.01, rate=100), [(0, 10.04, "+")]),
    ("sound, but no speech", Arrays(10, cuts=(5,), spoken=()), [(0, 5, "+"), (5, 10, "+")]),
    ("a long pause", Arrays(16, spoken=((0, 6), (9, 16))), [(0, 6.32, "+"), (6.32, 8.68, "pause"), (8.68, 16, "+")]),
    ("a breath", Arrays(12, spoken=((0, 6), (6.9, 12))), [(0, 12, "+")]),
    ("silence at both ends", Arrays(14, spoken=((3, 10),)),
     [(0, 2.68, "pause"), (2.68, 10.32, "+"), (10.32, 14, "pause")]),
    ("little silence at both ends", Arrays(10, spoken=((0.8, 9.4),)), [(0, 10, "+")]),
    ("a word alone", Arrays(14, spoken=((0.9, 2), (5, 14))),
     [(0, 2.32, "too_short"), (2.32, 4.68, "pause"), (4.68, 14, "+")]),
    ("split in the longest pause near the limit", Arrays(20, spoken=((0, 9), (9.3, 12), (12.8, 20))),
     [(0, 12.4, "+"), (12.4, 20, "+")]),
    ("the pause at a cut", Arrays(14, cuts=(7,), spoken=((0, 6), (8.5, 14))),
     [(0, 6.32, "+"), (6.32, 7, "pause"), (7, 8.2, "pause"), (8.2, 14, "+")]),
]  # fmt: skip


@pytest.mark.parametrize(("arrays", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_where_it_is_cut(arrays: Arrays, wanted: list[tuple[float, float, str]]) -> None:
    got = spans(plan(arrays, RULES))
    assert [kind for *_, kind in got] == [kind for *_, kind in wanted]
    np.testing.assert_allclose([s[:2] for s in got], [s[:2] for s in wanted], atol=0.041)


def test_without_a_pause_it_is_split_where_speech_is_least_likely() -> None:
    arrays = Arrays(20, spoken=((0, 20),))
    arrays.speech_probability[round(11.2 / 0.032)] = 0.55
    assert spans(plan(arrays, RULES)) == [(0, 11.2, "+"), (11.2, 20, "+")]


def test_a_rest_too_short_is_a_tail() -> None:
    rules = RULES.model_copy(update={"min_seconds": 10.0})
    assert spans(plan(Arrays(17), rules)) == [(0, 10.0, "+"), (10.0, 17, "tail")]


def test_rules_that_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="CONFIG_TYPE"):
        plan(Arrays(10), RULES.model_copy(update={"min_seconds": 20.0}))


@pytest.mark.parametrize(
    ("scores", "cuts"),
    [
        ([0, 1, 2, 60, 1, 2], [3]),
        ([0, 1, 2, 26, 1, 2], []),
        ([0, 30, 31, 29, 33, 30], []),  # a shaking camera
        ([0, 30, 31, 120, 33, 30], [3]),
        ([60, 1, 1, 1], []),  # the first frame has none before it
        ([0, 60], [1]),
    ],
)
def test_what_counts_as_a_cut(scores: list[float], cuts: list[int]) -> None:
    assert cut_frames(np.array(scores, np.float32), RULES) == cuts


def test_a_flash_makes_no_segment_of_its_own() -> None:
    got = spans(plan(Arrays(20, cuts=(9.0, 9.04)), RULES))
    assert [kind for *_, kind in got] == ["+", "too_short", "+"]
    assert got[1][:2] == (9.0, 9.04)


durations = st.floats(0.04, 70, allow_nan=False)


@st.composite
def scans(draw: st.DrawFn) -> Arrays:
    seconds = draw(durations)
    inside = st.floats(0, seconds, allow_nan=False)
    cuts = tuple(cut for cut in draw(st.lists(inside, max_size=6)) if cut < seconds - 0.1)
    pairs = draw(st.none() | st.lists(st.tuples(inside, inside), max_size=6))
    arrays = Arrays(
        max(seconds, 0.1), draw(st.sampled_from([24.0, 25.0, 29.97, 30.0, 60.0])), cuts,
        None if pairs is None else tuple((min(p), max(p)) for p in pairs), draw(st.sampled_from([0.5, 0.6, 1.0])),
    )  # fmt: skip
    arrays.speech_probability = arrays.speech_probability[: draw(st.integers(0, 4000))]  # sound that ends early
    return arrays


@st.composite
def rule_sets(draw: st.DrawFn) -> SegmentRules:
    least = draw(st.floats(0.04, 10))
    return SegmentRules(
        min_seconds=least, max_seconds=draw(st.floats(least + 0.04, 30)), pad_seconds=draw(st.floats(0, 2)),
        max_pause_seconds=draw(st.floats(0.1, 3)),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(scans(), rule_sets())
def test_every_plan_keeps_the_rules(arrays: Arrays, rules: SegmentRules) -> None:
    got = plan(arrays, rules)
    assert got[0].start_ms == 0
    assert got[-1].stop_ms == first_tick(arrays.duration_ms)
    assert all(a.stop_ms == b.start_ms for a, b in zip(got, got[1:], strict=False))
    bounds = {first_tick(float(arrays.time_ms[n])) for n in cut_frames(arrays.content_score, rules)}
    for stretch in got:
        assert stretch.start_ms < stretch.stop_ms
        assert stretch.start_ms % 40 == stretch.stop_ms % 40 == 0
        assert (stretch.reason is None) == stretch.segment
        assert stretch.reason in (None, "pause", "too_short", "tail")
        assert not any(stretch.start_ms < bound < stretch.stop_ms for bound in bounds)
        if stretch.segment:
            length = (stretch.stop_ms - stretch.start_ms) / 1000
            assert rules.min_seconds - 1e-9 <= length <= rules.max_seconds + 1e-9


@settings(max_examples=50, deadline=None)
@given(scans())
def test_speech_is_never_left_out_as_a_pause(arrays: Arrays) -> None:
    spoken = np.flatnonzero(arrays.speech_probability >= RULES.speech_probability) * 32
    for stretch in plan(arrays, RULES):
        if stretch.reason == "pause":
            assert not ((spoken >= stretch.start_ms + 40) & (spoken < stretch.stop_ms - 40)).any()
