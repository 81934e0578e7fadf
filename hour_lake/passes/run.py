"""One pass over one segment: a single decode, each batch through all layers, tables handed on in memory.

    decode -> batch of frames -> face_boxes -> face_landmarks -> ...     batch after batch, then
              whole tables    -> blink, mouth                            layers that read no frames

A frame layer that reads a table which needs all frames first (of a layer without frames, or that gives its rows at the
end) makes a second decode; nothing else does.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from hour_lake.errors import HourLakeError, LayerError, MediaError
from hour_lake.models.device import placed
from hour_lake.passes.arrays import Frames, Table
from hour_lake.passes.columns import typed
from hour_lake.passes.config import configured
from hour_lake.passes.declare import MEDIA_READS, Layer
from hour_lake.passes.graph import in_order, tables_read
from hour_lake.passes.media import OpenMedia, Readers, SegmentMedia
from hour_lake.passes.outcome import Outcome, blocked, device_of, layer_failed
from hour_lake.passes.stream import Stream
from hour_lake.passes.tables import from_parquet, to_parquet
from hour_lake.passes.writes import no_writes


def run_pass(
    wanted: Sequence[Layer],
    media: SegmentMedia,
    inputs: Mapping[str, Path | str | bytes],
    config: Mapping[str, Mapping[str, Any]],
    *,
    readers: Readers | None = None,
) -> dict[str, Outcome | HourLakeError]:
    """An outcome or an error for each wanted layer, in dependency order; one that fails stops its own readers only.

    `inputs`: tables (Parquet) of layers that are read but not wanted. `config`: layer -> keywords from the settings.
    """
    run = Run(wanted, media, inputs, config, readers=readers)
    run.all()
    return {layer.name: run.errors.get(layer.name) or run.outcome(layer) for layer in run.layers}


class Run:
    """The state of one pass: after `all()`, each layer has a table or an error."""

    def __init__(
        self,
        wanted: Sequence[Layer],
        media: SegmentMedia,
        inputs: Mapping[str, Path | str | bytes],
        config: Mapping[str, Mapping[str, Any]],
        *,
        readers: Readers | None = None,
    ) -> None:
        self.layers = in_order(wanted)
        self.media = OpenMedia(media, readers)
        self.tables: dict[str, Table] = {}
        self.errors: dict[str, HourLakeError] = {}
        self.clips: dict[str, bytes] = {}
        self.seconds: dict[str, float] = {}
        self.devices: dict[str, set[str]] = {}
        self._inputs = inputs
        self._config = config
        self._own = {layer.name for layer in self.layers}

    def all(self) -> None:
        """Run every layer, in as few decodes as can be (one, but for the case above)."""
        waiting = self.layers
        while waiting:
            for layer in waiting:
                if "frames" not in layer.reads and self._settled(tables_read(layer)):
                    self._whole(layer)
            streamed: list[Layer] = []
            for layer in waiting:
                beside = {other.name for other in streamed if not other.gives_at_end and other.rows == "frame"}
                reads = [name for name in tables_read(layer) if name not in beside]
                if "frames" in layer.reads and self._settled(reads):
                    streamed.append(layer)
            if streamed:
                self._decode(streamed)
            waiting = [layer for layer in waiting if not self._settled([layer.name])]

    def outcome(self, layer: Layer) -> Outcome:
        """The file of a layer that has its table."""
        table = self.tables[layer.name]
        data = to_parquet(layer, self.media.media.segment_id, table)
        rows, device = len(next(iter(table.values()))), device_of(layer, self.devices.get(layer.name, set()))
        return Outcome(data, rows, self.seconds.get(layer.name, 0.0), self.clips.get(layer.name), device)

    def _settled(self, names: Sequence[str]) -> bool:
        return all(name in self.tables or name in self.errors or name not in self._own for name in names)

    def _whole(self, layer: Layer) -> None:
        """A layer that reads no frames: called once, with whole tables and sounds."""
        started = None
        try:
            arguments = [self._read(layer, name) for name in layer.reads]
            config = configured(layer, self._config.get(layer.name))
            started = perf_counter()
            with no_writes(layer), placed(layer.compute, self.devices.setdefault(layer.name, set())):
                output = _called(layer, arguments, config)
            grid = self._grid(layer) if layer.rows == "frame" else {}
            rows = len(grid["frame_index"]) if grid else None
            self.tables[layer.name] = {**typed(layer, output, rows=rows), **grid}
        except Exception as error:
            self.errors[layer.name] = layer_failed(layer, error)
        finally:
            self.seconds[layer.name] = perf_counter() - started if started else 0.0

    def _grid(self, layer: Layer) -> Table:
        """The frames a whole-table layer has rows for: those of the first frame table that it reads."""
        for name in tables_read(layer):
            if "frame_index" in self.tables[name]:
                return {key: self.tables[name][key] for key in ("frame_index", "time_seconds")}
        if self.media.segment:
            return self.media.grid(self.media.segment.frames)
        raise LayerError("LAYER_OUTPUT", f"{layer.name} declares a row a frame and reads nothing that has frames",
                         where=layer.where, fix='say rows="window" or rows="segment"')  # fmt: skip

    def _decode(self, streamed: Sequence[Layer]) -> None:
        """Frame layers together over one decode; whoever has failed is left out of the following batches."""
        streams = {layer.name: stream for layer in streamed if (stream := self._stream(layer))}
        opened = list(streams.values())
        try:
            if streams:
                for frames in self.media.frames():
                    self._batch(streams, frames)
                    if not streams:
                        return
        except HourLakeError as error:
            self.errors.update(dict.fromkeys(streams, error))
        except MemoryError as error:
            memory = MediaError("WORKER_MEMORY", "a batch of frames does not fit into a worker", value=str(error),
                                where=self.media.media.segment_id, fix="raise limits.max_memory_gib")  # fmt: skip
            self.errors.update(dict.fromkeys(streams, memory))
        else:
            for name, stream in streams.items():
                self._finish(name, stream)
        finally:
            for stream in opened:
                stream.close()

    def _stream(self, layer: Layer) -> Stream | None:
        try:
            given = {name: self._read(layer, name) for name in layer.reads if name != "frames" and self._is_whole(name)}
            return Stream(layer, configured(layer, self._config.get(layer.name)), given)
        except Exception as error:
            self.errors[layer.name] = layer_failed(layer, error)
            return None

    def _is_whole(self, name: str) -> bool:
        """Whether it is there before the decode begins: a sound, or the table of a layer that is not in this decode."""
        return name in MEDIA_READS or name in self.tables or name in self.errors or name not in self._own

    def _batch(self, streams: dict[str, Stream], frames: Frames) -> None:
        tables: dict[str, Table] = {}
        for name, stream in list(streams.items()):
            try:
                lost = [read for read in stream.missing if read not in tables]
                if lost:
                    raise blocked(stream.layer, lost[0])
                tables[name] = stream.take(frames, tables)
            except Exception as error:
                self._drop(streams, name, error)

    def _finish(self, name: str, stream: Stream) -> None:
        try:
            clip = stream.clip()
            if clip is not None:
                self.clips[name] = clip
            self.tables[name] = stream.finish()
            self.seconds[name] = stream.seconds
            self.devices[name] = stream.devices
        except Exception as error:
            self._drop({name: stream}, name, error)

    def _drop(self, streams: dict[str, Stream], name: str, error: Exception) -> None:
        stream = streams.pop(name)
        self.errors[name] = layer_failed(stream.layer, error)
        self.seconds[name] = stream.seconds

    def _read(self, layer: Layer, name: str) -> Any:
        if name in ("samples", "master"):
            return self.media.sound(name)
        if name in self.errors or (name not in self.tables and name not in self._inputs):
            raise blocked(layer, name)
        if name not in self.tables:
            self.tables[name] = from_parquet(self._inputs[name])
        return self.tables[name]


def _called(layer: Layer, arguments: Sequence[Any], config: Mapping[str, Any]) -> Any:
    """What a layer over whole tables and sounds gives: all at once, or with `finish()` if it is a class that has it."""
    if not layer.is_class:
        return layer(*arguments, **config)
    one = layer(**config)
    given = one(*arguments)
    return one.finish() if hasattr(one, "finish") else given
