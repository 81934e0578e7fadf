"""Trying a layer on a file: a table, a picture that shows it, and the mistake itself when there is one."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hour_lake.errors import HourLakeError
from hour_lake.passes.attempt import try_layer
from hour_lake.passes.canvas import COLOURS
from hour_lake.passes.keeper import Keeper
from hour_lake_tests.toy_layers import READERS, make_clip, make_wav, write_layer

BOXES = """
@layer(reads="frames", columns={"x_px": "float32", "y_px": "float32", "width_px": "float32", "height_px": "float32",
                                "level": "float32", "is_dark": "bool", "mouth_px": "float32[4]"})
def toy_boxes(frames):
    n, level = len(frames), frames.pixels.mean(axis=(1, 2, 3))
    sides = {name: np.full(n, value) for name, value in zip(("x_px", "y_px", "width_px", "height_px"), (8, 8, 32, 24))}
    points = np.tile([20.0, 20.0, np.nan, np.nan], (n, 1))
    return {**sides, "level": level, "is_dark": level < 20, "mouth_px": points}
"""
MEAN = """
@layer(reads="toy_boxes", rows="segment", columns={"level_mean": "float32"})
def toy_mean(toy_boxes):
    return {"level_mean": toy_boxes["level"].mean()}
"""
LOUD = """
@layer(reads="samples", columns={"bands": "float32[8]", "rms": "float32"})
def toy_loud(samples):
    windows = samples.values[: len(samples.values) // 320 * 320].reshape(-1, 320)
    return {"rms": np.sqrt((windows**2).mean(axis=1)), "bands": np.abs(np.fft.rfft(windows))[:, :8]}
"""
FAILS = """
@layer(reads="frames", columns={"a": "bool"})
def toy_fails(frames):
    return {"a": [1 / 0]}
"""
AFTER = '@layer(reads="toy_fails", columns={"b": "bool"})\ndef toy_after(toy_fails): ...\n'


def read_picture(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return pixels[:, :, ::-1]


def test_a_frame_layer_gives_its_table_and_is_drawn_on_frames(tmp_path: Path) -> None:
    write_layer(tmp_path / "layers", "boxes", BOXES)
    clip = make_clip(tmp_path / "any name.mp4", frames=40)
    tried = try_layer("toy_boxes", clip, tmp_path / "new" / "a.png", folders=[tmp_path / "layers"])
    assert tried.columns[:3] == ("frame_index", "time_seconds", "x_px")
    assert (len(tried.rows), tried.rows[2][:4]) == (40, ("2", "0.08", "8", "8"))
    assert tried.duration_seconds == pytest.approx(1.6)
    picture = read_picture(tried.picture)
    assert picture.shape[1] == 1280
    # The left side of the box at x 8 of 64 px, 24 px into the page; frames are drawn 302 px wide.
    column = picture[92 + 60 : 92 + 110, 24 + round(302 * 8 / 64)].astype(int)
    assert np.abs(column - COLOURS[0]).sum(axis=1).max() < 120


def test_what_is_read_is_run_too(tmp_path: Path) -> None:
    write_layer(tmp_path, "boxes", BOXES)
    write_layer(tmp_path, "mean", MEAN)
    clip = make_clip(tmp_path / "clip.mp4", frames=10)
    tried = try_layer("toy_mean", clip, tmp_path / "a.png", folders=[tmp_path])
    assert tried.device == "cpu"
    assert tried.table["level_mean"] == pytest.approx([19], abs=1)
    assert tried.columns == ("level_mean",)
    assert try_layer(tried.layer, clip, tmp_path / "b.png", folders=[tmp_path]).rows == tried.rows


def test_a_layer_that_listens_takes_a_sound_file(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "layers", "loud", LOUD)
    wav = make_wav(tmp_path / "sound.wav", samples=88_200, rate_hz=44_100)
    tried = try_layer(str(path), wav, tmp_path / "a.png")
    assert tried.duration_seconds == pytest.approx(2, abs=0.01)
    assert tried.table["rms"][5:-5] == pytest.approx(0.5 / np.sqrt(2), abs=0.01)
    assert read_picture(tried.picture).shape[1] == 1280


@pytest.mark.parametrize("name", ["toy_fails", "toy_after"])
def test_the_mistake_itself_is_raised_with_its_traceback(tmp_path: Path, name: str) -> None:
    path = write_layer(tmp_path, "fails", FAILS + AFTER)
    write_layer(tmp_path, "boxes", BOXES)
    clip = make_clip(tmp_path / "clip.mp4", frames=5)
    with pytest.raises(HourLakeError, match="toy_fails raised ZeroDivisionError") as caught:
        try_layer(name, clip, tmp_path / "a.png", folders=[tmp_path])
    assert (caught.value.code, caught.value.where) == ("LAYER_FAILED", f"{path}:7")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert not (tmp_path / "a.png").exists()
    assert len(try_layer("toy_boxes", clip, tmp_path / "a.png", folders=[tmp_path]).rows) == 5


WRONG = {
    "no file": ("toy_boxes", "gone.mp4", "SOURCE_MISSING"),
    "no such layer": ("toy_boxse", "clip.mp4", "LAYER_UNKNOWN"),
    "two layers in the file": ("two.py", "clip.mp4", "LAYER_UNKNOWN"),
    "a broken file": ("broken.py", "clip.mp4", "LAYER_IMPORT"),
    "no sound": ("toy_loud", "clip.mp4", "NO_AUDIO"),
    "text": ("toy_loud", "text.wav", "NOT_MEDIA"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_tried_says_why(tmp_path: Path, name: str) -> None:
    layer, file, code = WRONG[name]
    write_layer(tmp_path, "two", FAILS + AFTER)
    write_layer(tmp_path, "broken", "1 / 0")
    for good, body in (("boxes", BOXES), ("loud", LOUD)):
        write_layer(tmp_path, good, body)
    make_clip(tmp_path / "clip.mp4", frames=3)
    (tmp_path / "text.wav").write_text("no sound at all\n" * 50)
    layer = str(tmp_path / layer) if layer.endswith(".py") else layer
    with pytest.raises(HourLakeError) as caught:
        try_layer(layer, tmp_path / file, tmp_path / "a.png", folders=[tmp_path])
    assert caught.value.code == code
    good_wav = make_wav(tmp_path / "good.wav", samples=16_000)
    assert len(try_layer("toy_loud", good_wav, tmp_path / "a.png", folders=[tmp_path]).rows) == 50


@pytest.mark.parametrize("frames", [1, 7, 16, 17, 100])
def test_few_frames_are_kept_and_evenly(tmp_path: Path, frames: int) -> None:
    keeper = Keeper(READERS)
    seen = sum(len(batch) for batch in keeper.readers.frames(make_clip(tmp_path / "c.mp4", frames=frames)))
    kept = [sample.index for sample in keeper.samples]
    assert seen == frames and kept[0] == 0
    assert min(frames, 8) <= len(kept) <= 16
    assert len(set(np.diff(kept).tolist())) <= 1
