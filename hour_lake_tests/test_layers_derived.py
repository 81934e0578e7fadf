"""Layers that read points of a face: the formulas, on faces made of numbers."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.layers._runs import between, running_quantile, runs
from hour_lake.layers.blink import blink
from hour_lake.layers.mouth import LOWER, UPPER, mouth


def eyes(openness: np.ndarray) -> dict[str, np.ndarray]:
    """Eyes 40 px wide whose lids are `openness` of that apart."""
    x = np.linspace(0, 40, 9)
    gap = openness[:, None] * 40
    lower = np.stack([np.broadcast_to(x, (len(gap), 9)), np.zeros((len(gap), 9)) + gap * [[0, *[1] * 7, 0]]], axis=2)
    upper = np.stack([np.broadcast_to(x[1:8], (len(gap), 7)), np.zeros((len(gap), 7))], axis=2)
    contour = np.concatenate([lower, upper], axis=1).reshape(-1, 32).astype(np.float32)
    return {"right_eye_px": contour, "left_eye_px": contour}


def blinking(*blinks: tuple[int, int], frames: int = 250, noise: float = 0.01) -> np.ndarray:
    values = 0.25 + np.random.default_rng(7).normal(0, noise * 0.25, frames)
    for start, stop in blinks:
        values[start:stop] = 0.14
    return values


@pytest.mark.parametrize(
    ("blinks", "expected"),
    [
        ((), []),
        (((40, 44), (100, 105), (200, 203)), [(40, 44), (100, 105), (200, 203)]),
        (((60, 61),), []),  # one frame of 40 ms is no blink
        (((60, 90),), []),  # 1.2 s: closed, but not blinking
        (((0, 4), (246, 250)), [(0, 4), (246, 250)]),
    ],
)
def test_blinks_are_counted(blinks: tuple[tuple[int, int], ...], expected: list[tuple[int, int]]) -> None:
    assert runs(blink(eyes(blinking(*blinks)))["is_blink"]) == expected


def test_long_closed_eyes_are_closed_and_not_a_blink() -> None:
    table = blink(eyes(blinking((60, 90))))
    assert runs(table["is_closed"]) == [(60, 90)]
    assert not table["is_blink"].any()


@pytest.mark.parametrize(
    ("level", "shut"),
    [
        (0.14, lambda t: (t >= 2) & (t < 8)),
        (0.14, lambda t: t % 2 < 1.4),
        (0.14, lambda t: t >= 1),
        (0.1, lambda t: t >= 0),
    ],
    ids=["most", "in stretches", "all but the first second", "always"],
)
def test_eyes_that_are_shut_most_of_the_time_are_closed(level: float, shut: Callable[[np.ndarray], np.ndarray]) -> None:
    is_shut = shut(np.arange(250) / 25)
    table = blink(eyes(np.where(is_shut, level, blinking())))
    assert np.mean(table["is_closed"] == is_shut) > 0.98
    assert not table["is_blink"].any()


@pytest.mark.parametrize("level", [0.15, 0.25, 0.4])
def test_blinks_do_not_depend_on_how_wide_a_persons_eyes_are(level: float) -> None:
    values = blinking((50, 54), (120, 125)) / 0.25 * level
    assert runs(blink(eyes(values))["is_blink"]) == [(50, 54), (120, 125)]


def test_unrest_is_not_taken_for_blinks() -> None:
    assert blink(eyes(blinking(noise=0.06)))["is_blink"].mean() < 0.01


def test_frames_without_a_face_are_open_questions_not_blinks() -> None:
    values = blinking((50, 54), (120, 124))
    values[52:100] = np.nan
    table = blink(eyes(values))
    assert np.isnan(table["eye_openness"][52:100]).all()
    assert not table["is_blink"][52:100].any()
    assert runs(table["is_blink"])[-1] == (120, 124)


def test_no_face_at_all() -> None:
    table = blink(eyes(np.full(20, np.nan)))
    assert np.isnan(table["eye_openness"]).all()
    assert not table["is_blink"].any()


def lips(openness: np.ndarray) -> dict[str, np.ndarray]:
    """Mouths 60 px wide whose inner lips are `openness` of that apart."""
    points = np.zeros((len(openness), 478, 2), np.float32)
    points[:, 308, 0] = 60
    for upper, lower in zip(UPPER, LOWER, strict=True):
        points[:, [upper, lower], 0] = 30
        points[:, lower, 1] = 60 * openness
    return {"points_px": points.reshape(-1, 956)}


def test_a_mouth_that_moves_speaks_and_one_that_stays_open_does_not() -> None:
    frames = np.arange(100)
    talking = 0.2 + 0.15 * np.sin(2 * np.pi * 4 * frames / 25)
    still = np.full(100, 0.25)
    table = mouth(lips(np.concatenate([still, talking, still])))
    assert table["openness"] == pytest.approx(np.concatenate([still, talking, still]), abs=1e-5)
    assert not table["is_speaking"][:95].any()
    assert table["is_speaking"][105:195].all()
    assert not table["is_speaking"][205:].any()


def test_a_missing_mouth_is_missing() -> None:
    values = np.full(50, 0.1)
    values[20:25] = np.nan
    table = mouth(lips(values))
    assert np.isnan(table["movement"]).nonzero()[0].tolist() == list(range(20, 25))


@given(st.lists(st.booleans(), max_size=40))
def test_runs_rebuild_the_flags(flags: list[bool]) -> None:
    rebuilt = np.zeros(len(flags), bool)
    for start, stop in runs(np.array(flags, bool)):
        assert start < stop
        rebuilt[start:stop] = True
    assert rebuilt.tolist() == flags
    assert len(runs(np.array(flags, bool))) == sum(b and not a for a, b in zip([False, *flags], flags, strict=False))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_between_is_a_switch(steps: list[tuple[bool, bool]]) -> None:
    start, until = (np.array([step[k] for step in steps], bool) for k in (0, 1))
    state, expected = False, []
    for on, off in steps:
        state = False if off else state or on
        expected.append(state)
    assert between(start, until=until).tolist() == expected


@given(st.lists(st.one_of(st.just(np.nan), st.floats(0, 1)), min_size=1, max_size=30), st.integers(1, 8))
def test_running_median_is_the_median_around(values: list[float], around: int) -> None:
    found = running_quantile(np.array(values), 0.5, around=around)
    for k, level in enumerate(found):
        known = sorted(v for v in values[max(0, k - around) : k + around + 1] if not np.isnan(v))
        assert np.isnan(level) if not known else known[(len(known) - 1) // 2] <= level <= known[len(known) // 2]
