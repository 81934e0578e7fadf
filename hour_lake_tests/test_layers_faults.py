"""Layers that find faults of the picture: noise, black and frozen stretches, bars."""

import cv2
import numpy as np
import pytest

from hour_lake.layers.black_frames import black_frames
from hour_lake.layers.freeze import freeze
from hour_lake.layers.letterbox import letterbox
from hour_lake.layers.noise import noise
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import frames_of, scene


def smooth_scene() -> np.ndarray:
    """A face on a backdrop that gets brighter from left to right, without any noise of its own."""
    backdrop = np.linspace(60, 160, 1280)[None, :, None] * np.ones((720, 1, 3))
    face = cv2.GaussianBlur(scene((400, 100, 1.2)), (0, 0), 2).astype(float)
    return np.where((face > 97) | (face < 95), face, backdrop)


@pytest.mark.parametrize("sigma", [2.0, 4.0, 8.0, 16.0])
def test_noise_is_what_was_added(sigma: float, accuracy: Accuracy) -> None:
    grain = np.random.default_rng(1).normal(0, sigma, (720, 1280, 1))
    found = noise(frames_of(np.clip(smooth_scene() + grain, 0, 255).round().astype(np.uint8)))["sigma"][0]
    accuracy(
        "noise", "sigma, relative error", abs(found / sigma - 1), below=0.15, against="added noise of 2 to 16 levels"
    )


def test_a_picture_without_noise_has_next_to_none() -> None:
    assert noise(frames_of(smooth_scene().astype(np.uint8)))["sigma"][0] < 0.5


def test_noise_of_a_tiny_picture_is_not_known() -> None:
    assert np.isnan(noise(frames_of(np.zeros((2, 2, 3), np.uint8)))["sigma"][0])


@pytest.mark.parametrize(
    ("level", "lit_share", "black"), [(0, 0, True), (25, 0, True), (26, 0, False), (0, 0.05, False)]
)
def test_black_is_nearly_all_nearly_black(level: int, lit_share: float, black: bool, accuracy: Accuracy) -> None:
    picture = np.full((180, 320, 3), level, np.uint8)
    picture[:, : round(320 * lit_share)] = 200
    table = black_frames(frames_of(picture))
    accuracy("black_frames", "frames wrongly called", table["is_black"][0] != black, below=0,
             against="even pictures about the threshold, one lit in part")  # fmt: skip
    assert table["black_share"] == pytest.approx([(1 - lit_share) * (level <= 25)])


def test_a_frozen_stretch_is_found_from_its_first_picture_on(accuracy: Accuracy) -> None:
    shaken = np.random.default_rng(0).integers(60, 190, (30, 90, 160, 3)).astype(np.uint8)
    shown = [*shaken, *np.repeat(shaken[-1:], 20, axis=0), *shaken[:5]]
    table = frozen(shown)
    assert np.flatnonzero(table["is_frozen"]).tolist() == list(range(29, 50))
    assert np.flatnonzero(table["begins"]).tolist() == [29]
    wrong = np.count_nonzero(table["is_frozen"] != ((np.arange(55) >= 29) & (np.arange(55) < 50)))
    accuracy("freeze", "frames wrongly called", wrong, below=0, against="20 copies of a picture within noise")
    assert not frozen(shown, shortest_seconds=1)["is_frozen"].any()


def test_each_slide_is_a_freeze_and_a_slow_fade_is_none() -> None:
    """As freezedetect has it: held against the picture that a stretch began with, not against the one before."""
    slides = [np.full((90, 160, 3), level, np.uint8) for level in (60, 140, 220) for _ in range(25)]
    assert np.flatnonzero(frozen(slides)["begins"]).tolist() == [0, 25, 50]
    grain = np.random.default_rng(0).random((90, 160, 1))
    fade = [np.repeat(np.floor(80 + 0.2 * k + grain), 3, axis=2).astype(np.uint8) for k in range(50)]
    assert not frozen(fade)["is_frozen"].any()


def frozen(pictures: list[np.ndarray], **keywords: float) -> dict[str, np.ndarray]:
    made = freeze(**keywords)
    for first in range(0, len(pictures), 7):
        made(frames_of(*pictures[first : first + 7]))
    return made.finish()


@pytest.mark.parametrize("bars", [(0, 0, 0, 0), (90, 90, 0, 0), (0, 0, 160, 160), (33, 47, 12, 5)])
def test_bars_are_measured_to_the_pixel(bars: tuple[int, int, int, int], accuracy: Accuracy) -> None:
    top, bottom, left, right = bars
    picture = scene((400, 100, 1.2))
    picture[:top] = picture[:, :left] = 12
    picture[720 - bottom :] = picture[:, 1280 - right :] = 12
    table = letterbox(frames_of(picture))
    found = [int(table[f"{side}_px"][0]) for side in ("top", "bottom", "left", "right")]
    off = np.abs(np.subtract(found, bars)).max()
    accuracy("letterbox", "bars, largest error (px)", off, below=0, against="bars painted over a frame")
    share = (720 - top - bottom) * (1280 - left - right) / (720 * 1280)
    assert table["picture_share"] == pytest.approx([share])


def test_a_black_frame_is_all_bar() -> None:
    table = letterbox(frames_of(np.zeros((90, 160, 3), np.uint8)))
    assert table["picture_share"].tolist() == [0]
    assert [int(table[f"{side}_px"][0]) for side in ("top", "bottom", "left", "right")] == [90, 90, 160, 160]
