"""What a picture shows under the frames: which columns, where they lie in time, and in whose colour."""

from typing import Any

import cv2
import numpy as np
import pytest

from hour_lake.passes.canvas import COLOURS
from hour_lake.passes.declare import Layer
from hour_lake.passes.picture import Pictured, Sample, picture_of
from hour_lake.passes.strips import strips_of, written

LEFT, WIDTH = 24 + 168, 1280 - 2 * 24 - 168  # of a strip's box
BOX = dict.fromkeys(("x_px", "y_px", "width_px", "height_px"), "float32")


def layer_of(columns: dict[str, str]) -> Layer:
    def toy() -> None:
        """A toy."""

    return Layer("toy", toy, ("samples",), columns, {}, "window", "audio", (), "cpu", 1.0, None)


def picture(columns: dict[str, str], table: dict[str, Any], samples: tuple[Sample, ...] = (), **read: Any) -> Any:
    """What is drawn of ten seconds, RGB."""
    shown = Pictured(layer_of(columns), {**read, "toy": table}, samples, None, 10.0, "file.wav", 0.1)
    pixels = cv2.imdecode(np.frombuffer(picture_of(shown), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None and pixels.shape[1] == 1280
    return pixels.astype(int)


def is_colour(pixels: Any, number: int) -> Any:
    return np.abs(pixels - COLOURS[number]).max(axis=-1) < 40


SPANS = {"start_seconds": "float32", "stop_seconds": "float32"}
TIMES = {"start_seconds": np.array([1.0, 5.0]), "stop_seconds": np.array([2.0, 10.0])}
SHOWN: dict[str, tuple[dict[str, str], dict[str, Any], list[str]]] = {
    "stretches alone": (SPANS, TIMES, ["from start to stop"]),
    "words": ({"word": "string", **SPANS, "sure": "float32"},
              {"word": np.array(["good", None], object), **TIMES, "sure": np.array([0.5, 1])}, ["word", "sure"]),
    "tracks": ({"track_id": "int32", "frame": "int32", **BOX, "overlap": "float32"},
               {"track_id": np.array([0, 1]), "frame": np.array([3, 3]), **{name: np.ones(2) for name in BOX},
                "overlap": np.ones(2)}, ["overlap"]),
    "a row a track": ({"track_id": "int32", "score": "float32"},
                      {"track_id": np.array([0, 1]), "score": np.ones(2)}, ["track 0", "track 1"]),
    "points and an area": ({"lips_px": "float32[4]", "area_px": "float32", "mel": "float32[3]"},
                           {"lips_px": np.ones((5, 4)), "area_px": np.ones(5), "mel": np.ones((5, 3))},
                           ["area_px", "mel"]),
    "one row": ({"loudness": "float32", "curve": "list<float32>", "is_loud": "bool"},
                {"loudness": np.ones(1), "curve": np.array([np.ones(7), None], object)[:1],
                 "is_loud": np.ones(1, bool)}, ["curve"]),
    "no row": ({"word": "string", **SPANS}, {name: np.empty(0) for name in ("word", *SPANS)}, []),
}  # fmt: skip


@pytest.mark.parametrize("case", SHOWN)
def test_columns_that_are_shown(case: str) -> None:
    columns, table, names = SHOWN[case]
    assert [strip.name for strip in strips_of(layer_of(columns), table, duration_seconds=10)] == names
    assert picture(columns, table).shape[0] > 92


def test_a_stretch_lies_where_it_is() -> None:
    row = picture(SPANS, TIMES)[92 + 27, LEFT : LEFT + WIDTH]
    filled = is_colour(row, 0)
    assert [filled[round(WIDTH * s / 10)] for s in (0.9, 1.1, 1.9, 2.1, 4.9, 5.1, 9.9)] == [0, 1, 1, 0, 0, 1, 1]


def test_each_track_has_one_colour_in_boxes_and_curves() -> None:
    columns, table, _ = SHOWN["tracks"]
    table = {**table, "x_px": np.array([10.0, 60.0]), "width_px": np.array([20.0, 20.0]), "overlap": np.array([0.0, 1]),
             "y_px": np.array([10.0, 10.0]), "height_px": np.array([20.0, 20.0])}  # fmt: skip
    black = Sample(np.zeros((50, 100, 3), np.uint8), 3, 0.12, 1.0)
    pixels = picture(columns, table, (black,))
    frame, curves = pixels[92:240, 24:326], pixels[240:]
    middle = frame.shape[1] // 2
    assert is_colour(frame[:, :middle], 0).any() and not is_colour(frame[:, :middle], 1).any()
    assert is_colour(frame[:, middle:], 1).any() and not is_colour(frame[:, middle:], 0).any()
    assert is_colour(curves, 0).any() and is_colour(curves, 1).any()


def test_what_was_read_shines_through_and_an_outline_is_drawn() -> None:
    black = Sample(np.zeros((50, 100, 3), np.uint8), 0, 0.0, 1.0)
    corners = np.empty(1, object)
    corners[0] = np.array([10, 10, 90, 10, 90, 40, 10, 40], np.float32)
    grid = {"frame_index": np.array([0]), "time_seconds": np.array([0.0])}
    own = picture({"hull_px": "list<float32>"}, {"hull_px": corners, **grid}, (black,))
    read = picture({"a": "bool"}, {"a": np.array([True]), **grid}, (black,), other={"hull_px": corners, **grid})
    assert is_colour(own[92:240, 24:326], 0).any() and not is_colour(read[92:240, 24:326], 0).any()
    assert 80 < read[92:220, 24:326].max() < 130


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (np.ma.masked, "-"), (np.nan, "-"), (0.00012345, "0.0001234"), (57_650.0, "57650"), (True, "True"),
     (np.float32(2), "2"), (np.arange(5), "0, 1, 2 ... (5)")],
)  # fmt: skip
def test_values_in_few_characters(value: Any, text: str) -> None:
    assert written(value) == text
