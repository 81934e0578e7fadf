"""The picture of an attempt: frames with what was found on them, below them curves over time and the sound's shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.passes.arrays import Table
from hour_lake.passes.canvas import COLOURS, LINE, PANEL, QUIET, TEXT, Canvas, Colour
from hour_lake.passes.declare import Layer
from hour_lake.passes.media import Sound
from hour_lake.passes.overlay import draw_row
from hour_lake.passes.strips import sound_strip, strips_of, written

WIDTH, MARGIN, GAP, LABEL = 1280, 24, 8, 168
HEADER, ACROSS, FRAMES = 92, 4, 8
CONTEXT = (150, 158, 175)


@dataclass(frozen=True)
class Sample:
    """One frame kept for the picture, scaled down. `scale`: its width over the frame's."""

    pixels: NDArray[np.uint8]
    index: int
    time_seconds: float
    scale: float

    @staticmethod
    def of(pixels: NDArray[np.uint8], index: int, time_seconds: float, width: int) -> "Sample":
        """A frame at most `width` px wide."""
        scale = min(1.0, width / pixels.shape[1])
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return Sample(np.array(small, np.uint8), index, time_seconds, scale)


@dataclass(frozen=True)
class Pictured:
    """All that the picture shows. `tables`: of the layer and of what it reads, by name, the layer's last."""

    layer: Layer
    tables: Mapping[str, Table]
    samples: Sequence[Sample]
    sound: Sound | None
    duration_seconds: float
    file_name: str
    seconds: float

    @property
    def table(self) -> Table:
        """Of the layer itself."""
        return self.tables[self.layer.name]


def picture_of(shown: Pictured) -> bytes:
    """A PNG, 1280 px wide."""
    samples = _evenly(shown.samples, FRAMES)
    grid = _grid_size(samples)
    strips = strips_of(shown.layer, shown.table, duration_seconds=shown.duration_seconds)
    strips += [sound_strip(shown.sound)] if shown.sound else []
    canvas = Canvas(WIDTH, HEADER + grid[2] + sum(strip.height + GAP for strip in strips) + MARGIN)
    _header(canvas, shown)
    _frames(canvas, shown, samples, grid)
    y = HEADER + grid[2]
    for number, strip in enumerate(strips):
        box = (MARGIN + LABEL, y, WIDTH - 2 * MARGIN - LABEL, strip.height)
        canvas.box(*box)
        name = canvas.fitted(strip.name, LABEL - 56, size=12)
        canvas.text(name, MARGIN, y + strip.height // 2 + 5, size=12, colour=QUIET if strip.is_quiet else TEXT)
        strip.draw(canvas, box, COLOURS[number % len(COLOURS)])
        y += strip.height + GAP
    _seconds(canvas, shown.duration_seconds, y)
    return canvas.png()


def _header(canvas: Canvas, shown: Pictured) -> None:
    end = canvas.text(shown.layer.name, MARGIN, 40, size=24, bold=True)
    what = shown.layer.description.splitlines()[0].replace("`", "")
    canvas.text(canvas.fitted(what, WIDTH - MARGIN - end - 14), end + 14, 40, colour=QUIET)
    rows = len(next(iter(shown.table.values())))
    took = f"{rows} row{'s' * (rows != 1)} in {_duration(shown.seconds)}"
    facts = f"{shown.file_name}   {shown.duration_seconds:.2f} s   {took}"
    if rows == 1:
        values = {name: shown.table[name][0] for name in shown.layer.columns}
        facts += "".join(f"   {name} {written(v)}" for name, v in values.items() if np.ndim(v) == 0)
    canvas.text(canvas.fitted(facts, WIDTH - 2 * MARGIN), MARGIN, 66, colour=QUIET)


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.1f} ms"


def _grid_size(samples: Sequence[Sample]) -> tuple[int, int, int]:
    """Width and height of one frame, and the height of the whole grid."""
    if not samples:
        return (0, 0, 0)
    width = (WIDTH - 2 * MARGIN - (ACROSS - 1) * GAP) // ACROSS
    height = min(round(width * samples[0].pixels.shape[0] / samples[0].pixels.shape[1]), 420)
    return (width, height, -(-len(samples) // ACROSS) * (height + GAP) + GAP)


def _frames(canvas: Canvas, shown: Pictured, samples: Sequence[Sample], grid: tuple[int, int, int]) -> None:
    width, height, _ = grid
    for number, sample in enumerate(samples):
        x, y = MARGIN + number % ACROSS * (width + GAP), HEADER + number // ACROSS * (height + GAP)
        picture = _with_rows(shown, sample)
        ratio = picture.shape[1] / picture.shape[0]
        fitted = min(width, round(height * ratio))
        canvas.box(x, y, width, height)
        canvas.image(picture, x + (width - fitted) // 2, y, fitted, height)
        canvas.box(x, y + height - 20, 64, 20, colour=PANEL)
        canvas.text(f"{sample.time_seconds:.2f} s", x + 8, y + height - 6, size=11)


def _with_rows(shown: Pictured, sample: Sample) -> NDArray[np.uint8]:
    """The frame with what was found on it; what the layer has read shines through."""
    below, picture = sample.pixels.copy(), sample.pixels
    for name, table in shown.tables.items():
        if name != shown.layer.name:
            for row in _rows(table, sample):
                is_told = "track_id" in shown.table and "track_id" in table  # by its colour, which track is meant
                colour = _track_colour(table, row) if is_told else CONTEXT
                draw_row(below, table, row, scale=sample.scale, colour=colour, others=CONTEXT)
    picture = np.asarray(cv2.addWeighted(below, 0.65, picture, 0.35, 0), np.uint8)
    for row in _rows(shown.table, sample):
        draw_row(picture, shown.table, row, scale=sample.scale, colour=_track_colour(shown.table, row))
    return picture


def _track_colour(table: Table, row: int) -> Colour:
    return COLOURS[int(table["track_id"][row]) % len(COLOURS) if "track_id" in table else 0]


def _rows(table: Table, sample: Sample) -> list[int]:
    """Those of a frame: of its tracks, or the one row (the last one before it that the table has)."""
    if "frame" in table:
        return np.flatnonzero(table["frame"] == sample.index).tolist()
    if "frame_index" in table:
        return [max(0, int(np.searchsorted(table["frame_index"], sample.index, side="right")) - 1)]
    return []


def _evenly(samples: Sequence[Sample], most: int) -> list[Sample]:
    picks = np.unique(np.linspace(0, len(samples) - 1, min(most, len(samples))).round().astype(int))
    return [samples[k] for k in picks]


def _seconds(canvas: Canvas, duration_seconds: float, y: int) -> None:
    """The time axis: about ten marks at round times."""
    steps = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600])
    step = float(steps[np.searchsorted(steps, duration_seconds / 12).clip(0, len(steps) - 1)])
    width = WIDTH - 2 * MARGIN - LABEL
    for mark in np.arange(0, duration_seconds - step / 4, step):
        x = MARGIN + LABEL + round(mark / duration_seconds * width)
        canvas.box(x, y - GAP, 1, 5, colour=LINE)
        canvas.text(f"{mark:g} s", x + 4, y + 6, size=10, colour=QUIET)
