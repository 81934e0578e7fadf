"""Enrichment stages, one small file each: arrays or tables in, columns out; no file paths, no Dagster, no SQL."""

from hour_lake.passes.arrays import Frames as Frames
from hour_lake.passes.arrays import Samples as Samples
from hour_lake.passes.arrays import Table as Table
from hour_lake.passes.declare import layer as layer
from hour_lake.passes.request import frames as frames

__all__ = ["Frames", "Samples", "Table", "frames", "layer"]
