"""Layers that look at whole frames: light, sharpness, motion."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.layers import Frames, Table
from hour_lake.layers.luminance import luminance
from hour_lake.layers.motion import motion
from hour_lake.layers.sharpness import sharpness
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import frames_of, portrait, scene


def flat(level: int, shape: tuple[int, int] = (180, 320)) -> np.ndarray:
    return np.full((*shape, 3), level, np.uint8)


def boxes(*rows: tuple[float, float, float, float] | None) -> Table:
    """A table of face_boxes with at most one face a frame."""
    names = ("x_px", "y_px", "width_px", "height_px")
    lists = {
        name: [np.array(row[k : k + 1] if row else [], np.float32) for row in rows] for k, name in enumerate(names)
    }
    return {"face_count": np.array([row is not None for row in rows], np.int16), **lists}  # type: ignore[dict-item]


@pytest.mark.parametrize("level", [0, 15, 16, 128, 239, 240, 255])
def test_light_of_even_frames(level: int, accuracy: Accuracy) -> None:
    table = luminance(frames_of(flat(level), flat(100)))
    off = np.abs(table["luma"] - [level, 100]).max()
    accuracy("luminance", "luma, error (levels)", off, below=1e-3, against="even pictures of 0 to 255")
    assert table["contrast"] == pytest.approx([0, 0])
    assert table["dark_share"] == pytest.approx([float(level < 16), 0])
    assert table["bright_share"] == pytest.approx([float(level > 239), 0])


def test_light_of_a_frame_half_black_half_white() -> None:
    half = flat(0)
    half[:, 160:] = 255
    table = luminance(frames_of(half))
    assert table["luma"] == pytest.approx([127.5])
    assert table["contrast"] == pytest.approx([127.5])
    assert table["dark_share"] == table["bright_share"] == pytest.approx([0.5])


def test_size_does_not_change_the_light() -> None:
    large = scene((300, 50, 1.5))
    small = cv2.resize(large, (640, 360), interpolation=cv2.INTER_AREA)
    one, two = luminance(frames_of(large)), luminance(frames_of(small))
    for name in one:
        assert one[name] == pytest.approx(two[name], abs=0.6), name


def test_sharpness_falls_as_blur_grows_in_the_frame_and_in_the_face() -> None:
    pictures = [cv2.GaussianBlur(scene((400, 100, 1.2)), (0, 0), sigma) for sigma in (0.3, 1, 2, 4, 8)]
    table = sharpness(frames_of(*pictures), boxes(*[(480, 230, 220, 220)] * 5))
    for name in ("frame_sharpness", "face_sharpness"):
        assert (np.diff(table[name]) < 0).all(), name
        assert table[name][0] > 5 * table[name][-1], name


def test_sharpness_is_the_variance_of_the_laplacian(accuracy: Accuracy) -> None:
    """Of vertical stripes that are two px wide: 255, 255, 0, 0 has -255, -255, 255, 255, everywhere alike."""
    stripes = np.zeros((180, 320, 3), np.uint8)
    stripes[:, (np.arange(320) // 2) % 2 == 0] = 255
    found = sharpness(frames_of(stripes), boxes(None))["frame_sharpness"][0]
    # At both edges cv2 mirrors the next column, which is of the same stripe: nothing differs there.
    edges = 2 / 320
    accuracy("sharpness", "variance, relative error", abs(found / (255**2 * (1 - edges)) - 1), below=0.01,
             against="stripes of 2 px")  # fmt: skip


def test_a_blurred_face_before_a_sharp_wall_is_seen() -> None:
    sharp = np.random.default_rng(1).integers(0, 255, (180, 320, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    sharp[200:500, 500:800] = cv2.GaussianBlur(cv2.resize(portrait(), (300, 300)), (0, 0), 8)
    table = sharpness(frames_of(sharp), boxes((500, 200, 300, 300)))
    assert table["frame_sharpness"][0] > 1000 > 20 > table["face_sharpness"][0]


def test_no_face_no_face_sharpness() -> None:
    picture = scene((400, 100, 1.2))
    table = sharpness(
        frames_of(*[picture] * 4), boxes(None, (480, 230, 220, 220), (1270, 0, 40, 40), (-90, 100, 80, 80))
    )
    assert np.isnan(table["face_sharpness"]).tolist() == [True, False, False, True]
    assert np.isfinite(table["frame_sharpness"]).all()


def test_motion_of_still_and_changing_frames() -> None:
    table = motion()(frames_of(flat(50), flat(50), flat(60), flat(55)))
    assert np.isnan(table["difference"][0])
    assert table["difference"][1:] == pytest.approx([0, 10, 5])
    assert table["moving_share"][1:] == pytest.approx([0, 1, 0])  # five levels are noise, ten are motion


def test_motion_of_each_patch(accuracy: Accuracy) -> None:
    moved = flat(50, (180, 270))
    moved[60:120, 180:270] = 90  # the sixth of nine
    moved[:30, :45] = 70  # a quarter of the first
    patches = motion()(frames_of(flat(50, (180, 270)), moved))["patch_difference"]
    assert np.isnan(patches[0]).all()
    assert patches[1] == pytest.approx([5, 0, 0, 0, 0, 40, 0, 0, 0])
    off = np.abs(patches[1] - [5, 0, 0, 0, 0, 40, 0, 0, 0]).max()
    accuracy(
        "motion", "change of each patch, error (levels)", off, below=1e-4, against="parts made brighter by 20 and 40"
    )


def test_patches_of_any_size_have_the_mean_of_the_whole() -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (2, 100, 101, 3), np.uint8)
    table = motion()(frames_of(*pictures))
    assert table["patch_difference"][1].mean() == pytest.approx(table["difference"][1], rel=1e-4)


def test_motion_remembers_across_batches() -> None:
    pictures = [scene((300 + 9 * k, 100, 1.2)) for k in range(6)]
    whole, layer = motion()(frames_of(*pictures)), motion()
    parts = [layer(frames_of(*pictures[:2])), layer(frames_of(*pictures[2:3])), layer(frames_of(*pictures[3:]))]
    for name, column in whole.items():
        assert np.array_equal(column, np.concatenate([part[name] for part in parts]), equal_nan=True), name
    assert (whole["moving_share"][1:] > 0.01).all()


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 90))
def test_small_pictures_are_area_means(height: int, width: int, target: int) -> None:
    values = np.random.default_rng(height * width).integers(0, 256, (2, height, width, 3), np.uint8)
    frames = Frames(values, np.zeros(2))
    small = frames.small(width=target)
    assert small.shape[2] == min(target, width)
    assert small is frames.small(width=target) or target >= width
    if target >= width:
        assert small is frames.pixels
    assert frames.gray(width=target).shape == small.shape[:3]


def test_halving_is_the_mean_of_four() -> None:
    values = np.random.default_rng(0).integers(0, 256, (1, 720, 1280, 3), np.uint8)
    small = Frames(values, np.zeros(1)).small(width=320)
    means = values.reshape(1, 180, 4, 320, 4, 3).mean(axis=(2, 4))
    assert np.abs(small - means).max() <= 1
