"""One layer over the batches of one decode: its object, the rows it has given so far, the time it took."""

from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from hour_lake.errors import LayerError
from hour_lake.passes.arrays import Frames, Samples, Table
from hour_lake.passes.columns import joined, typed
from hour_lake.passes.declare import Layer


class Stream:
    """`take` each batch in turn, then `finish`. `given`: sounds and whole tables that were there before the decode."""

    def __init__(self, layer: Layer, config: Mapping[str, Any], given: Mapping[str, Table | Samples]) -> None:
        self.layer = layer
        self.seconds = 0.0
        self._given = given
        self._parts: list[Table] = []
        self._call = layer(**config) if layer.is_class else partial(layer.function, **config)

    @property
    def missing(self) -> list[str]:
        """What it reads of other layers in the same decode."""
        return [read for read in self.layer.reads if read != "frames" and read not in self._given]

    def take(self, frames: Frames, tables: Mapping[str, Table]) -> Table:
        """The rows for these frames. `tables`: what layers before it gave for the same frames."""
        arguments = [self._argument(read, frames, tables) for read in self.layer.reads]
        started = perf_counter()
        try:
            output = self._call(*arguments)
        finally:
            self.seconds += perf_counter() - started
        if self._gives_at_end:
            return {}
        part = typed(self.layer, output, rows=len(frames) if self.layer.rows == "frame" else None)
        self._parts.append(part)
        return part

    def finish(self) -> Table:
        """The whole table, without the engine's columns."""
        if self._gives_at_end:
            started = perf_counter()
            output = self._call.finish()  # type: ignore[attr-defined]
            self.seconds += perf_counter() - started
            return typed(self.layer, output, rows=None)
        return joined(self.layer, self._parts)

    @property
    def _gives_at_end(self) -> bool:
        return self.layer.is_class and self.layer.rows != "frame"

    def _argument(self, read: str, frames: Frames, tables: Mapping[str, Table]) -> Any:
        if read == "frames":
            return frames
        if read in tables:
            return {**tables[read], **_grid(frames)}
        given = self._given[read]
        if isinstance(given, Samples) or "frame_index" not in given:
            return given
        start, stop = frames.first_index, frames.first_index + len(frames)
        if len(given["frame_index"]) < stop:
            raise LayerError("LAYER_INPUT", f"{self.layer.name} reads {read}, which ends before the frames do",
                             value=f"{len(given['frame_index'])} rows", where=self.layer.where,
                             fix=f"run {read} again with `refresh`")  # fmt: skip
        return {name: column[start:stop] for name, column in given.items()}


def _grid(frames: Frames) -> dict[str, Any]:
    index = np.arange(frames.first_index, frames.first_index + len(frames), dtype=np.int32)
    return {"frame_index": index, "time_seconds": frames.time_seconds}
