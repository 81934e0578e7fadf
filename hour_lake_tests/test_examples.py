"""What the readme shows is what is there: the example layer word for word, and it runs as the readme says."""

import json
from pathlib import Path

import numpy as np

from hour_lake.layers import Frames
from hour_lake.passes.registry import load_layers
from hour_lake_tests.flow import CHECKOUT, Flow

LAYERS = CHECKOUT / "examples" / "layers"


def test_the_readme_shows_the_example_layer_word_for_word() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    for file in LAYERS.glob("*.py"):
        assert file.read_text() in readme


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
