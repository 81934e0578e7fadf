"""What the readme shows is what is there: the example layer word for word, and it runs as the readme says."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from hour_lake.layers import Frames, Samples
from hour_lake.passes.registry import load_layers
from hour_lake_tests.flow import CHECKOUT, Flow

LAYERS = CHECKOUT / "examples" / "layers"


def test_the_readme_shows_the_example_layer_word_for_word() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    assert (LAYERS / "colourfulness.py").read_text() in readme


def test_every_picture_and_file_that_the_readme_names_is_there() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    names = [part.split(")")[0] for part in readme.split("](")[1:]]
    assert names and all((CHECKOUT / name).is_file() for name in names if "://" not in name)


def test_a_gray_picture_has_no_colour_and_a_red_and_green_one_has() -> None:
    layer = load_layers([LAYERS]).require("colourfulness")
    pixels = np.zeros((2, 40, 40, 3), np.uint8)
    pixels[0] = 128
    pixels[1, :, :20, 0] = pixels[1, :, 20:, 1] = 255
    gray, colourful = layer(Frames(pixels, np.arange(2) / 25))["colourfulness"]
    assert gray == 0 and colourful > 100


def test_light_that_fades_drifts_and_the_layer_remembers_how_it_began() -> None:
    layer = load_layers([LAYERS]).require("exposure_drift")
    drift = layer(seconds=0.1)
    bright, dark = (np.full((5, 90, 160, 3), level, np.uint8) for level in (200, 150))
    drift(Frames(bright, np.arange(5) / 25))
    drift(Frames(dark, np.arange(5, 10) / 25, first_index=5))
    assert drift.finish()["drift"] == pytest.approx([0] * 5 + [-50] * 5)


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.5, 9.0])
def test_the_drift_is_the_same_however_many_frames_come_at_once(seconds: float) -> None:
    layer = load_layers([LAYERS]).require("exposure_drift")
    luma = np.arange(100, 125)
    pixels = np.broadcast_to(luma.astype(np.uint8)[:, None, None, None], (25, 90, 160, 3))
    found: list[np.ndarray] = []
    for size in (1, 7, 25):
        drift = layer(seconds=seconds)
        for first in range(0, 25, size):
            part = slice(first, first + size)
            drift(Frames(pixels[part], np.arange(25)[part] / 25, first_index=first))
        found.append(drift.finish()["drift"])
    began = luma[: {0.0: 1, 0.2: 5, 0.5: 12, 9.0: 25}[seconds]].mean()
    assert all(np.array_equal(one, found[0]) for one in found)
    assert found[0] == pytest.approx(luma - began)


@pytest.mark.usefixtures("weights_folder")
def test_a_network_of_the_registry_hears_a_voice_and_no_silence() -> None:
    layer = load_layers([LAYERS]).require("certain_speech")
    sound = next(iter(sorted((CHECKOUT / "hour_lake" / "sample" / "voices").glob("*.ogg"))))
    values, rate_hz = soundfile.read(sound, dtype="float32")
    heard = layer(Samples(soxr.resample(values, rate_hz, 16_000), 16_000))["probability"]
    silent = layer(Samples(np.zeros(32_000, np.float32), 16_000))["probability"]
    assert np.mean(heard > 0.9) > 0.3 and not np.any(silent > 0.9)


def test_it_can_be_tried_on_a_video_without_lake_or_dagster(corpus: Path, weights_folder: Path, tmp_path: Path) -> None:
    flow = Flow(tmp_path, weights_folder)
    (tmp_path / "hour_lake.yaml").write_text("home: home\n")
    arguments = (
        "try",
        "colourfulness",
        str(corpus / "hopper-webcam.mkv"),
        "--picture",
        str(tmp_path / "try.png"),
        "--json",
    )
    tried = json.loads(flow(*arguments, HOUR_LAKE_LAYERS=str(LAYERS)))
    assert tried["rows"] > 500 and tried["facts"]["mean"] > 5
    assert (tmp_path / "try.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "home").exists()
