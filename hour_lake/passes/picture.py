"""The picture of an attempt: frames with what was found on them, below them curves over time and the sound's shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.passes.arrays import Table
from hour_lake.passes.canvas import COLOURS, LINE, PANEL, QUIET, TEXT, Canvas, Colour
from hour_lake.passes.columns import kind_of
from hour_lake.passes.declare import Layer
from hour_lake.passes.media import Sound

WIDTH, MARGIN, GAP, LABEL = 1280, 24, 8, 168
HEADER, STRIP, HEAT = 92, 54, 120
ACROSS, FRAMES, CURVES = 4, 8, 10


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
    strips = _strips(shown)
    sound = [("sound", None, STRIP)] if shown.sound else []
    height = HEADER + grid[2] + sum(h + GAP for *_, h in [*strips, *sound]) + MARGIN
    canvas = Canvas(WIDTH, height)
    _header(canvas, shown)
    _frames(canvas, shown, samples, grid)
    y = HEADER + grid[2]
    for number, (name, values, tall) in enumerate([*strips, *sound]):
        box = (MARGIN + LABEL, y, WIDTH - 2 * MARGIN - LABEL, tall)
        canvas.box(*box)
        canvas.text(name, MARGIN, y + tall // 2 + 5, size=12, colour=TEXT if values is not None else QUIET)
        if values is None:
            _waveform(canvas, shown.sound, box)
        else:
            _strip(canvas, shown, values, box, COLOURS[number % len(COLOURS)])
        y += tall + GAP
    _seconds(canvas, shown.duration_seconds, y)
    return canvas.png()


def written(value: Any) -> str:
    """A value in few characters."""
    if value is None or value is np.ma.masked:
        return "-"
    if isinstance(value, np.ndarray):
        head = ", ".join(written(item) for item in value[:3])
        return head if len(value) <= 3 else f"{head} ... ({len(value)})"
    if isinstance(value, float | np.floating):
        return "-" if np.isnan(value) else f"{value:.4g}"
    return str(value)


def _header(canvas: Canvas, shown: Pictured) -> None:
    end = canvas.text(shown.layer.name, MARGIN, 40, size=24, bold=True)
    canvas.text(shown.layer.description.splitlines()[0].replace("`", "")[:140], end + 14, 40, colour=QUIET)
    rows = len(next(iter(shown.table.values())))
    took = f"{rows} row{'s' * (rows != 1)} in {_duration(shown.seconds)}"
    facts = f"{shown.file_name}   {shown.duration_seconds:.2f} s   {took}"
    if rows == 1:
        values = {name: shown.table[name][0] for name in shown.layer.columns}
        facts += "".join(f"   {name} {written(v)}" for name, v in values.items() if np.ndim(v) == 0)
    canvas.text(facts, MARGIN, 66, colour=QUIET)


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
    from hour_lake.passes.overlay import draw_row

    width, height, _ = grid
    for number, sample in enumerate(samples):
        x, y = MARGIN + number % ACROSS * (width + GAP), HEADER + number // ACROSS * (height + GAP)
        picture = sample.pixels.copy()
        for name, table in shown.tables.items():
            if "frame_index" in table:
                colour = COLOURS[0] if name == shown.layer.name else (150, 158, 175)
                draw_row(picture, table, _row(table, sample), scale=sample.scale, colour=colour)
        ratio = picture.shape[1] / picture.shape[0]
        fitted = min(width, round(height * ratio))
        canvas.box(x, y, width, height)
        canvas.image(picture, x + (width - fitted) // 2, y, fitted, height)
        canvas.box(x, y + height - 20, 64, 20, colour=PANEL)
        canvas.text(f"{sample.time_seconds:.2f} s", x + 8, y + height - 6, size=11)


def _row(table: Table, sample: Sample) -> int:
    """The row of the frame, or of the last one before it that the table has."""
    return max(0, int(np.searchsorted(table["frame_index"], sample.index, side="right")) - 1)


def _evenly(samples: Sequence[Sample], most: int) -> list[Sample]:
    picks = np.unique(np.linspace(0, len(samples) - 1, min(most, len(samples))).round().astype(int))
    return [samples[k] for k in picks]


def _strips(shown: Pictured) -> list[tuple[str, NDArray[Any], int]]:
    """Columns that change over time: numbers as curves, yes or no as bands, long lists as heat maps."""
    strips: list[tuple[str, NDArray[Any], int]] = []
    for name, declared in shown.layer.columns.items():
        kind, column = kind_of(declared), shown.table[name]
        if kind.base == "string" or name.endswith("_px"):
            continue
        if len(column) == 1 and kind.is_list:
            strips.append((name, np.asarray(column[0], np.float64), STRIP))
        elif len(column) > 1 and kind.width and kind.base != "bool":
            strips.append((name, np.asarray(column, np.float64), HEAT))
        elif len(column) > 1 and not kind.is_list and not kind.width and not name.endswith("start_seconds"):
            strips.append((name, column, STRIP))
    return strips[:CURVES]


def _strip(
    canvas: Canvas, shown: Pictured, values: NDArray[Any], box: tuple[int, int, int, int], colour: Colour
) -> None:
    x, y, width, height = box
    if values.ndim == 2:
        canvas.heat(values, box=box)
        return
    at = _places(shown, len(values))
    if values.dtype == bool:
        canvas.bands(at, np.ma.filled(values, False), box=(x, y + 8, width, height - 16), colour=colour)
        canvas.text_left_of(f"{100 * np.ma.mean(values):.0f} %", MARGIN + LABEL - 10, y + height // 2 + 5)
        return
    numbers = np.ma.filled(values.astype(np.float64), np.nan)
    limits = _limits(numbers)
    canvas.curve(at, numbers, box=(x + 2, y + 6, width - 4, height - 12), colour=colour, limits=limits)
    for limit, base in zip(limits, (y + height - 4, y + 12), strict=True):
        canvas.text_left_of(written(limit), MARGIN + LABEL - 10, base, size=10)


def _limits(numbers: NDArray[np.float64]) -> tuple[float, float]:
    """Smallest and largest value, apart by at least 1 %: what does not change is drawn as a line, not as its noise."""
    known = numbers[np.isfinite(numbers)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    more = max(0.0, 0.01 * max(abs(low), abs(high)) - (high - low)) / 2
    return (low - more, high + more)


def _places(shown: Pictured, rows: int) -> NDArray[np.float64]:
    """Where each row lies between the start (0) and the end (1) of the file."""
    for name in ("time_seconds", "start_seconds"):
        if name in shown.table and len(shown.table[name]) == rows:
            times = np.asarray(shown.table[name], np.float64)
            return np.clip((times - min(times[0], 0)) / shown.duration_seconds, 0, 1)
    return (np.arange(rows) + 0.5) / rows


def _waveform(canvas: Canvas, sound: Sound | None, box: tuple[int, int, int, int]) -> None:
    assert sound is not None
    x, y, width, height = box
    parts = np.array_split(np.abs(sound[0].reshape(len(sound[0]), -1)).max(axis=1), width)
    for k, part in enumerate(parts):
        half = round((height // 2 - 2) * min(1.0, float(part.max(initial=0))))
        canvas.box(x + k, y + height // 2 - half, 1, max(1, 2 * half), colour=(110, 122, 146))


def _seconds(canvas: Canvas, duration_seconds: float, y: int) -> None:
    """The time axis: about ten marks at round times."""
    steps = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600])
    step = float(steps[np.searchsorted(steps, duration_seconds / 12).clip(0, len(steps) - 1)])
    width = WIDTH - 2 * MARGIN - LABEL
    for mark in np.arange(0, duration_seconds - step / 4, step):
        x = MARGIN + LABEL + round(mark / duration_seconds * width)
        canvas.box(x, y - GAP, 1, 5, colour=LINE)
        canvas.text(f"{mark:g} s", x + 4, y + 6, size=10, colour=QUIET)
