"""What a layer may ask of the frames (a width, a rate), and which layers a project takes."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hour_lake.errors import LayerError
from hour_lake.layers import Frames, Table, frames, layer
from hour_lake.media.square import SquareClip
from hour_lake.passes.declare import Layer
from hour_lake.passes.graph import checked_reads
from hour_lake.passes.media import Readers, SegmentMedia
from hour_lake.passes.registry import Layers
from hour_lake.passes.request import FramesRequest, Picker
from hour_lake.passes.run import Run
from hour_lake.settings import parse_settings

WIDE = 320


def numbered(count: int, sizes: tuple[int, ...]) -> Readers:
    """Frames whose pixels are their number, in batches of these sizes."""

    def read(_: Path) -> Iterator[Frames]:
        first = 0
        for size in sizes:
            index = np.arange(first, first + size)
            pixels = np.broadcast_to(index[:, None, None, None].astype(np.uint8), (size, 180, WIDE, 3)).copy()
            yield Frames(pixels, index / 25, first)
            first += size

    assert sum(sizes) == count
    return Readers(read, lambda _: (np.zeros(1, np.float32), 16_000), lambda _: (np.zeros((1, 1), np.float32), 48_000))


def tables(*layers: Layer, count: int = 60, sizes: tuple[int, ...] = (25, 1, 34)) -> dict[str, Table]:
    here = Path("toy")
    media = SegmentMedia(f"toy_00000000_{40 * count:08d}", here, here, here)
    run = Run(layers, media, {}, {}, readers=numbered(count, sizes))
    run.all()
    assert not run.errors
    return run.tables


@layer(reads="frames", columns={"number": "int32", "width": "int32"})
def every(frames: Frames) -> dict[str, Any]:
    """All frames as they are."""
    return seen(frames)


@layer(reads=("every", frames(width=64, fps=5)), columns={"number": "int32", "width": "int32", "same": "bool"})
def some(every: Table, frames: Frames) -> dict[str, Any]:
    """Five small frames a second, with the rows of the other layer for just these."""
    return {**seen(frames), "same": every["number"] == frames.frame_index}


def seen(frames: Frames) -> dict[str, Any]:
    return {"number": frames.pixels[:, 0, 0, 0], "width": np.full(len(frames), frames.pixels.shape[2])}


@pytest.mark.parametrize("sizes", [(60,), (25, 1, 34), (1,) * 60, (3, 57)])
def test_a_layer_gets_the_frames_that_it_asked_for(sizes: tuple[int, ...]) -> None:
    made = tables(every, some, sizes=sizes)
    assert made["every"]["number"].tolist() == list(range(60)) and set(made["every"]["width"]) == {WIDE}
    assert made["some"]["frame_index"].tolist() == list(range(0, 60, 5))
    assert made["some"]["number"].tolist() == list(range(0, 60, 5)) and set(made["some"]["width"]) == {64}
    assert made["some"]["time_seconds"] == pytest.approx(np.arange(0, 60, 5) / 25)
    assert made["some"]["same"].all()


def test_nothing_is_enlarged() -> None:
    @layer(reads=frames(width=5000), columns={"number": "int32", "width": "int32"})
    def large(frames: Frames) -> dict[str, Any]:
        """As wide as it is."""
        return seen(frames)

    assert set(tables(large)["large"]["width"]) == {WIDE}


@pytest.mark.parametrize(
    ("fps", "count", "wanted"), [(1, 60, [0, 25, 50]), (2, 60, [0, 13, 25, 38, 50]), (25, 4, [0, 1, 2, 3])]
)
def test_the_first_frame_of_each_stretch(fps: float, count: int, wanted: list[int]) -> None:
    pick = Picker(fps)
    times = np.arange(count) / 25
    found = [*pick(times[:7]), *(7 + k for k in pick(times[7:]))]
    assert found == wanted


def test_what_layers_ask_for_is_scaled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes_px: list[tuple[int, int]] = []
    real = cv2.resize
    monkeypatch.setattr(
        cv2, "resize", lambda picture, size, *a, **k: (sizes_px.append(size), real(picture, size, *a, **k))[1]
    )

    def made(name: str, width: int) -> Layer:
        def look(frames: Frames) -> dict[str, Any]:
            """Small."""
            return seen(frames)

        look.__name__ = name
        return layer(reads=frames(width=width), columns={"number": "int32", "width": "int32"})(look)

    found = tables(made("one", 64), made("two", 64), made("half", 160), made("quarter", 80))
    assert Counter(sizes_px) == {(160, 90): 60, (80, 45): 60, (64, 36): 60}  # 64 begins with the halves
    assert [set(found[name]["width"]) for name in ("one", "two", "half", "quarter")] == [{64}, {64}, {160}, {80}]


@pytest.mark.parametrize("height_px", [89, 90, 91, 93])
def test_small_pictures_do_not_depend_on_what_was_asked_before(height_px: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, height_px, 161, 3)).astype(np.uint8)
    together = Frames(pixels, np.zeros(3))
    for width in (161, 160, 81, 80, 40, 79, 33, 7):
        alone = Frames(pixels, np.zeros(3)).small(width=width)
        assert alone.shape[1:3] == (max(1, round(height_px * width / 161)), width)
        assert np.array_equal(together.small(width=width), alone)
        assert np.array_equal(together.gray(width=width), [cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in alone])


def test_the_pictures_and_the_clip_that_a_layer_asks_for_count_as_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    @layer(reads=frames(width=64), columns={"number": "int32"}, clip_px=64)
    def clipped(frames: Frames) -> dict[str, Any]:
        """Black."""
        return {"number": frames.frame_index, "pixels": np.zeros((len(frames), 64, 64, 3), np.uint8)}

    def slowly(add: Any) -> Any:
        return lambda *arguments: (time.sleep(0.05), add(*arguments))[1]

    monkeypatch.setattr(Frames, "asked", lambda *a, real=Frames.asked, **k: (time.sleep(0.05), real(*a, **k))[1])
    monkeypatch.setattr(SquareClip, "add", slowly(SquareClip.add))
    monkeypatch.setattr(SquareClip, "finish", slowly(SquareClip.finish))
    here, media = Path("toy"), "toy_00000000_00000400"
    run = Run((clipped,), SegmentMedia(media, here, here, here), {}, {}, readers=numbered(10, (5, 5)))
    run.all()
    assert run.seconds["clipped"] >= 0.25  # two batches asked for and encoded, one finish


@pytest.mark.parametrize(
    "asked", [FramesRequest(width=8), FramesRequest(fps=-1), FramesRequest(fps=30), FramesRequest(width=-5)]
)
def test_a_request_that_cannot_be_met_is_refused_where_it_is_made(asked: FramesRequest) -> None:
    with pytest.raises(LayerError, match="LAYER_READS") as raised:

        @layer(reads=asked, columns={"number": "int32"})
        def wrong(frames: Frames) -> None:
            """Asks for what cannot be had."""

    assert raised.value.where and Path(raised.value.where.rpartition(":")[0]) == Path(__file__)


def test_frames_and_rows_that_do_not_match_are_refused_at_load() -> None:
    @layer(reads=("some", "frames"), columns={"number": "int32"})
    def mismatched(some: Table, frames: Frames) -> None:
        """Has more frames than rows."""

    @layer(reads="some", columns={"number": "int32"})
    def fitting(some: Table) -> dict[str, Any]:
        """A row for each row."""
        return {"number": some["number"]}

    layers, wrong = checked_reads({one.name: one for one in (every, some, mismatched, fitting)})
    assert set(layers) == {"every", "some", "fitting"}
    assert [error.code for error in wrong] == ["LAYER_READS"]
    assert tables(every, some, fitting)["fitting"]["frame_index"].tolist() == list(range(0, 60, 5))


@layer(reads="frames", columns={"number": "int32"}, opt_in=True)
def costly(frames: Frames) -> None:
    """Only for those who want it."""


def test_a_project_takes_what_was_not_left_out() -> None:
    found = Layers({"every": every, "some": some, "costly": costly})
    assert set(found.chosen()) == {"every", "some"}
    assert set(found.chosen(opt_in=("costly",))) == {"every", "some", "costly"}
    assert set(found.chosen(opt_in=("costly",), opt_out=("every",))) == {"costly"}  # `some` reads `every`
    for wrong in ({"opt_in": ("costli",)}, {"opt_out": ("evry",)}):
        with pytest.raises(LayerError, match="LAYER_UNKNOWN"):
            found.chosen(**wrong)


def test_the_settings_name_them() -> None:
    settings = parse_settings(b"opt_in: [unsafe]\nopt_out: [mel, pitch]\n", where="here")
    assert settings.opt_in == ("unsafe",) and settings.opt_out == ("mel", "pitch")
