"""One layer over the batches of one decode: its object, the rows it has given so far, the time it took and where."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.errors import LayerError
from hour_lake.models.device import placed
from hour_lake.passes.arrays import Frames, Samples, Table
from hour_lake.passes.columns import joined, taken_apart, typed
from hour_lake.passes.declare import Layer
from hour_lake.passes.request import Picker
from hour_lake.passes.writes import no_writes

if TYPE_CHECKING:
    from hour_lake.media.square import SquareClip


class Stream:
    """`take` each batch in turn, then `finish`. `given`: sounds and whole tables that were there before the decode.

    `seconds`: of the layer's own work, with the scaled pictures that it was the first to ask for, and its clip.
    """

    def __init__(self, layer: Layer, config: Mapping[str, Any], given: Mapping[str, Table | Samples]) -> None:
        self.layer = layer
        self.seconds = 0.0
        self.devices: set[str] = set()
        self._given = given
        self._clip: SquareClip | None = None
        self._parts: list[Table] = []
        self._grids: list[Table] = []
        self._picker = Picker(layer.request.fps)
        self._call: Any = self._timed(layer, **config) if layer.is_class else partial(layer, **config)

    @property
    def missing(self) -> list[str]:
        """What it reads of other layers in the same decode."""
        return [read for read in self.layer.reads if read != "frames" and read not in self._given]

    def take(self, frames: Frames, tables: Mapping[str, Table]) -> Table:
        """The rows for these frames. `tables`: what layers before it gave for the same frames."""
        chosen = self._picker(frames.time_seconds)
        if not len(chosen):
            return {}
        with self._clock():
            asked = frames.asked(chosen, width=self.layer.request.width)
        arguments = [self._argument(read, asked, frames.first_index, tables) for read in self.layer.reads]
        output = self._timed(self._call, *arguments)
        self._grids.append(_grid(asked))
        if self.layer.gives_at_end:
            return {}
        if self.layer.clip_px:
            pixels, output = taken_apart(self.layer, output, frames=len(asked))
            self._encode(pixels)
        part = typed(self.layer, output, rows=len(asked) if self.layer.rows == "frame" else None)
        self._parts.append(part)
        return part

    def finish(self) -> Table:
        """The whole table, with the engine's columns where it has a row a frame."""
        table = self._at_end() if self.layer.gives_at_end else joined(self.layer, self._parts)
        if self.layer.rows != "frame":
            return table
        return {**table, **{name: np.concatenate([grid[name] for grid in self._grids]) for name in self._grids[0]}}

    def clip(self) -> bytes | None:
        """The mp4 of a layer that also gives a clip."""
        with self._clock():
            return self._clip.finish() if self._clip else None

    def close(self) -> None:
        """Leave nothing on disk."""
        if self._clip:
            self._clip.close()

    def _timed(self, call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        with self._clock(), no_writes(self.layer), placed(self.layer.compute, self.devices):
            return call(*arguments, **keywords)

    @contextmanager
    def _clock(self) -> Generator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self.seconds += perf_counter() - started

    def _encode(self, pixels: NDArray[np.uint8]) -> None:
        from hour_lake.media.square import SquareClip  # the encoder: only where something is encoded

        with self._clock():
            self._clip = self._clip or SquareClip(self.layer.clip_px)
            self._clip.add(pixels)

    def _at_end(self) -> Table:
        output = self._timed(self._call.finish)
        frames = sum(len(grid["frame_index"]) for grid in self._grids)
        return typed(self.layer, output, rows=frames if self.layer.rows == "frame" else None)

    def _argument(self, read: str, frames: Frames, first_index: int, tables: Mapping[str, Table]) -> Any:
        if read == "frames":
            return frames
        if read in tables:
            rows = frames.frame_index - first_index
            return {**{name: column[rows] for name, column in tables[read].items()}, **_grid(frames)}
        given = self._given[read]
        if isinstance(given, Samples) or "frame_index" not in given:
            return given
        rows = frames.frame_index
        if len(given["frame_index"]) <= rows[-1]:
            raise LayerError("LAYER_INPUT", f"{self.layer.name} reads {read}, which ends before the frames do",
                             value=f"{len(given['frame_index'])} rows", where=self.layer.where,
                             fix=f"run {read} again with `refresh`")  # fmt: skip
        return {name: column[rows] for name, column in given.items()}


def _grid(frames: Frames) -> dict[str, Any]:
    return {"frame_index": frames.frame_index, "time_seconds": frames.time_seconds}
