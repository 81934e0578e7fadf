"""A layer over the whole corpus: tables of all segments in, rows of each segment out; where they lie is not here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hour_lake.errors import HourLakeError, LayerError
from hour_lake.models.device import placed
from hour_lake.passes.arrays import Table
from hour_lake.passes.columns import kind_of, typed
from hour_lake.passes.config import configured
from hour_lake.passes.declare import Layer
from hour_lake.passes.outcome import device_of, layer_failed
from hour_lake.passes.registry import load_layers
from hour_lake.passes.tables import from_parquet, to_parquet
from hour_lake.passes.writes import no_writes

SEGMENT = "segment_id"


@dataclass(frozen=True)
class CorpusTask:
    """One layer to make. `tables`: what it reads -> Parquet with the rows of all segments, `segment_id` ascending."""

    layer: str
    tables: Mapping[str, bytes]
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class CorpusOutcome:
    """Segment -> Parquet file; how many rows, how many different values each column of text or whole numbers has."""

    files: Mapping[str, bytes]
    rows: int
    seconds: float
    distinct: Mapping[str, int]
    device: str | None = None


def run_corpus(task: CorpusTask) -> CorpusOutcome | HourLakeError:
    """What a worker process does with it."""
    layers = load_layers(task.folders)
    layer = layers.require(task.layer)
    tables = [table_of(layers[read], task.tables[read]) for read in layer.reads]
    return made(layer, tables, task.config)


def made(layer: Layer, tables: Sequence[Table], config: Mapping[str, Any]) -> CorpusOutcome | HourLakeError:
    """Call the layer; LAYER_FAILED and LAYER_OUTPUT say where and why."""
    started, used = perf_counter(), set[str]()
    try:
        with no_writes(layer), placed(layer.compute, used):
            output = layer(*tables, **configured(layer, config))
        seconds = perf_counter() - started
        table = typed(layer, output, rows=None)
        segments = _segments(layer, output, len(next(iter(table.values()))), known=_known(tables))
    except Exception as error:  # whatever a researcher's code raises has a code from here on
        return layer_failed(layer, error)
    files = {name: to_parquet(layer, name, rows) for name, rows in _by_segment(segments, table)}
    return CorpusOutcome(files, len(segments), seconds, _distinct(layer, table), device_of(layer, used))


def table_of(read: Layer, data: bytes) -> Table:
    """The table of one layer over all segments, as the layer's own columns declare it."""
    table = dict(from_parquet(data))
    ids = pq.read_table(pa.BufferReader(data), columns=[SEGMENT]).column(0)
    table[SEGMENT] = np.array(ids.to_pylist(), object)
    for name, declared in read.columns.items():
        kind = kind_of(declared)
        if kind.width and name in table:
            nothing = np.full(kind.width, np.nan if kind.base.startswith("float") else 0, kind.dtype)
            whole = [row if len(row) == kind.width else nothing for row in table[name]]
            table[name] = np.array(whole, kind.dtype).reshape(-1, kind.width)
    return table


def _known(tables: Sequence[Table]) -> set[str]:
    return {name for table in tables for name in table[SEGMENT].tolist()}


def _segments(layer: Layer, output: Any, rows: int, *, known: set[str]) -> NDArray[Any]:
    """Whose row each is; LAYER_OUTPUT when that is not said, or is a segment that it was not given."""
    named = np.array([str(name) for name in output.get(SEGMENT, ())], object)
    if len(named) != rows:
        raise LayerError("LAYER_OUTPUT", f"{layer.name} must say whose its {rows} rows are", value=f"{len(named)} ids",
                         where=layer.where, fix="return segment_id beside the columns")  # fmt: skip
    strange = sorted(set(named.tolist()) - known)
    if strange:
        raise LayerError("LAYER_OUTPUT", f"{layer.name} returned a segment that it was not given", value=strange[0],
                         where=layer.where, fix="take the ids from the tables it reads")  # fmt: skip
    return named


def _by_segment(segments: NDArray[Any], table: Table) -> Iterator[tuple[str, Table]]:
    """Each segment's rows, in the order in which the layer gave them; one sort for all of them."""
    order = np.argsort(segments, kind="stable")
    names, starts = np.unique(segments[order].astype(str), return_index=True)
    stops = np.append(starts, len(order))[1:]
    for name, start, stop in zip(names.tolist(), starts, stops, strict=True):
        yield name, {column: values[order[start:stop]] for column, values in table.items()}


def _distinct(layer: Layer, table: Table) -> dict[str, int]:
    counted = [name for name, declared in layer.columns.items() if declared in ("string", "int32", "int64")]
    return {name: len(set(table[name].tolist())) for name in counted}
