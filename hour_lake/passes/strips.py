"""The strips of a picture: what of a table changes over time, each column as what it is.

number a frame or window   curve, one a track        wide row          heat map
yes or no                  band where it is          start, stop       step from start to stop, with its word
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.passes.arrays import Table
from hour_lake.passes.canvas import COLOURS, TEXT, Canvas, Colour
from hour_lake.passes.columns import kind_of
from hour_lake.passes.declare import Layer
from hour_lake.passes.media import Sound

HEIGHT, HEAT_HEIGHT, TEXT_HEIGHT, MOST = 54, 120, 32, 10
SOUND_COLOUR = (110, 122, 146)
PLACES = ("track_id", "frame", "start_seconds", "stop_seconds", "x_px", "y_px", "width_px", "height_px")
WORD_LINES = 3
Box = tuple[int, int, int, int]  # x, y, width, height


@dataclass(frozen=True)
class Strip:
    """`draw(canvas, box, colour)` fills a box and may write to the left of it."""

    name: str
    height: int
    draw: Callable[[Canvas, Box, Colour], None]
    is_quiet: bool = False


def strips_of(layer: Layer, table: Table, *, duration_seconds: float) -> list[Strip]:
    """The layer's strips, at most ten."""
    rows = len(next(iter(table.values())))
    starts, stops = _spans(table, duration_seconds)
    if "track_id" in table and not {"frame", "time_seconds", "start_seconds"} & set(table):
        return [_track(layer, table, row) for row in range(rows)][:MOST]
    found = list(_of_columns(layer, table, starts, stops)) if rows else []
    if rows and not found and "stop_seconds" in table:  # nothing but where it is
        found = [Strip("from start to stop", HEIGHT, _blocks(starts, stops, np.ones(rows, bool)))]
    return found[:MOST]


def _track(layer: Layer, table: Table, row: int) -> Strip:
    """A row that stands for a track and has no time: its values in the track's colour."""
    track = int(table["track_id"][row])
    values = "     ".join(f"{name} {written(table[name][row])}" for name in layer.columns if name != "track_id")

    def draw(canvas: Canvas, box: Box, colour: Colour) -> None:
        canvas.text(canvas.fitted(values, box[2] - 16), box[0] + 8, box[1] + 21, colour=COLOURS[track % len(COLOURS)])

    return Strip(f"track {track}", TEXT_HEIGHT, draw)


def sound_strip(sound: Sound) -> Strip:
    """The waveform."""
    values = np.abs(sound[0].reshape(len(sound[0]), -1)).max(axis=1)

    def draw(canvas: Canvas, box: Box, colour: Colour) -> None:
        x, y, width, height = box
        for k, part in enumerate(np.array_split(values, width)):
            half = round((height // 2 - 2) * min(1.0, float(part.max(initial=0))))
            canvas.box(x + k, y + height // 2 - half, 1, max(1, 2 * half), colour=SOUND_COLOUR)

    return Strip("sound", HEIGHT, draw, is_quiet=True)


def written(value: Any) -> str:
    """A value in few characters."""
    if value is None or value is np.ma.masked:
        return "-"
    if isinstance(value, np.ndarray):
        head = ", ".join(written(item) for item in value[:3])
        return head if len(value) <= 3 else f"{head} ... ({len(value)})"
    if isinstance(value, float | np.floating):
        return "-" if np.isnan(value) else f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"
    return str(value)


def _of_columns(layer: Layer, table: Table, starts: NDArray[np.float64], stops: NDArray[np.float64]) -> Iterator[Strip]:
    spans, many = "stop_seconds" in table, len(starts) > 1
    for name, declared in layer.columns.items():
        kind, column = kind_of(declared), table[name]
        if name in PLACES:
            continue
        if kind.base == "string":
            if spans:
                yield Strip(name, HEIGHT, _words(starts, stops, column))
        elif kind.is_list:
            if not many:
                parts = np.asarray(column[0], np.float64)
                yield Strip(name, HEIGHT, _curves((np.arange(len(parts)) + 0.5) / max(len(parts), 1), parts, None))
        elif kind.width:
            if many and kind.base != "bool" and not name.endswith("_px"):  # points are drawn on the frames
                yield Strip(name, HEAT_HEIGHT, _heat(np.asarray(column, np.float64)))
        elif kind.base == "bool":
            if many:
                yield Strip(name, HEIGHT, _blocks(starts, stops, column))
        elif spans:
            yield Strip(name, HEIGHT, _steps(starts, stops, _numbers(column)))
        elif many:
            yield Strip(name, HEIGHT, _curves(starts, _numbers(column), table.get("track_id")))


def _spans(table: Table, duration_seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each row begins and ends, between the start (0) and the end (1) of the file."""
    rows = len(next(iter(table.values())))
    if "frame" in table:  # rows of tracks
        starts = np.asarray(table["frame"], np.float64) / 25
        return (np.clip(starts / duration_seconds, 0, 1), np.clip((starts + 0.04) / duration_seconds, 0, 1))
    named = next((name for name in ("time_seconds", "start_seconds") if name in table), None)
    if named is None or not rows:
        starts = (np.arange(rows) + 0.5) / max(rows, 1)
    else:
        times = np.asarray(table[named], np.float64)
        starts = np.clip((times - min(times[0], 0)) / duration_seconds, 0, 1)
    if "stop_seconds" in table:
        return (starts, np.clip(np.asarray(table["stop_seconds"], np.float64) / duration_seconds, 0, 1))
    return (starts, np.append(starts[1:], 1.0))


def _numbers(column: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan))


def _limits(numbers: NDArray[np.float64]) -> tuple[float, float]:
    """Smallest and largest value, apart by at least 1 %: what does not change is drawn as a line, not as its noise."""
    known = numbers[np.isfinite(numbers)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    more = max(0.0, 0.01 * max(abs(low), abs(high)) - (high - low)) / 2
    return (low - more, high + more)


def _write_limits(canvas: Canvas, box: Box, limits: tuple[float, float]) -> None:
    x, y, _, height = box
    texts = dict(zip((written(limit) for limit in limits), (y + height - 4, y + 12), strict=True))
    for text, base in texts.items():  # one, where nothing changes
        canvas.text_left_of(text, x - 10, base, size=10)


def _curves(at: NDArray[np.float64], numbers: NDArray[np.float64], tracks: NDArray[Any] | None) -> Any:
    def draw(canvas: Canvas, box: Box, colour: Colour) -> None:
        x, y, width, height = box
        inner, limits = (x + 2, y + 6, width - 4, height - 12), _limits(numbers)
        for track in [None] if tracks is None else np.unique(tracks).tolist():
            own = slice(None) if track is None else tracks == track
            shade = colour if track is None else COLOURS[track % len(COLOURS)]
            canvas.curve(at[own], numbers[own], box=inner, colour=shade, limits=limits)
        _write_limits(canvas, box, limits)

    return draw


def _steps(starts: NDArray[np.float64], stops: NDArray[np.float64], numbers: NDArray[np.float64]) -> Any:
    def draw(canvas: Canvas, box: Box, colour: Colour) -> None:
        x, y, width, height = box
        limits = _limits(numbers)
        for start, stop, number in zip(starts, stops, numbers, strict=True):
            ends, level = np.array([start, max(start, stop)]), np.array([number, number])
            canvas.curve(ends, level, box=(x + 2, y + 6, width - 4, height - 12), colour=colour, limits=limits)
        _write_limits(canvas, box, limits)

    return draw


def _blocks(starts: NDArray[np.float64], stops: NDArray[np.float64], on: NDArray[Any]) -> Any:
    def draw(canvas: Canvas, box: Box, colour: Colour) -> None:
        x, y, width, height = box
        where = np.flatnonzero(np.ma.filled(on, False))
        canvas.bands(starts[where], stops[where], box=(x, y + 8, width, height - 16), colour=colour)
        share = float(np.sum(stops[where] - starts[where]) if len(where) else 0)
        canvas.text_left_of(f"{100 * min(share, 1):.0f} %", x - 10, y + height // 2 + 5)

    return draw


def _words(starts: NDArray[np.float64], stops: NDArray[np.float64], words: NDArray[Any]) -> Any:
    """Each word where it begins, on the first of a few lines that is free there; left out where none is."""

    def draw(canvas: Canvas, box: Box, colour: Colour) -> None:
        x, y, width, height = box
        free = [float(x)] * WORD_LINES
        for start, stop, word in zip(starts, stops, words, strict=True):
            left = x + round(float(start) * width)
            canvas.box(left, y + height - 3, max(1, round(float(stop - start) * width) - 1), 3, colour=colour)
            line = next((k for k in range(WORD_LINES) if free[k] <= left), None)
            if line is not None and word:
                free[line] = canvas.text(str(word), left, y + 14 + 15 * line, size=11, colour=TEXT) + 4

    return draw


def _heat(values: NDArray[np.float64]) -> Any:
    return lambda canvas, box, _: canvas.heat(values, box=box)
