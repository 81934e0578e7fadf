"""What becomes of one layer on one segment, and how an exception inside a layer turns into an error with a place."""

import traceback
from dataclasses import dataclass
from pathlib import Path

from hour_lake.errors import HourLakeError, LayerError
from hour_lake.passes.declare import Layer


@dataclass(frozen=True)
class Outcome:
    """What one layer gave for one segment: its Parquet file, the number of rows, seconds inside the layer, its clip.

    `device`: where its networks ran (`cpu`, `cuda:0`); None: unknown.
    """

    data: bytes
    rows: int
    seconds: float
    clip: bytes | None = None
    device: str | None = None


def device_of(layer: Layer, used: set[str]) -> str | None:
    """Where a layer ran, by what its networks said of themselves. One that ran none has run on the CPU; but what is
    declared for a GPU may drive that by itself, and then nobody knows."""
    return ", ".join(sorted(used)) or ("cpu" if layer.compute == "cpu" else None)


def layer_failed(layer: Layer, error: Exception) -> HourLakeError:
    """LAYER_FAILED with the exception and the line of the layer's file; an error with a code stays what it is."""
    if isinstance(error, HourLakeError):
        return error
    failed = _memory(layer, error) if isinstance(error, MemoryError) else _raised(layer, error)
    failed.__cause__ = error  # for `try`, which shows the whole traceback
    return failed


def _memory(layer: Layer, error: Exception) -> LayerError:
    return LayerError("WORKER_MEMORY", f"{layer.name} needs more memory than a worker may use", value=str(error),
                      where=_place(layer, error), fix="raise limits.max_memory_gib")  # fmt: skip


def _raised(layer: Layer, error: Exception) -> LayerError:
    tried = f"run `hour-lake try {layer.name} FILE` on the segment's clip"
    if layer.is_corpus_wide:
        tried = f"call {layer.name}(...) on the tables that it reads, in a notebook"
    return LayerError("LAYER_FAILED", f"{layer.name} raised {type(error).__name__}", value=str(error) or repr(error),
                      where=_place(layer, error), fix=tried)  # fmt: skip


def blocked(layer: Layer, read: str) -> LayerError:
    """BLOCKED: what the layer reads has no table for this segment."""
    return LayerError("BLOCKED", f"{layer.name} reads {read}, which has no table for this segment", value=read,
                      where=layer.where, fix=f"mend or run {read} first")  # fmt: skip


def _place(layer: Layer, error: Exception) -> str:
    """The innermost line of the layer's own file, else where the exception came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename) == Path(layer.source_path)]
    last = (own or frames)[-1]
    return f"{last.filename}:{last.lineno}"
