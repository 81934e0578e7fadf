"""What a worker process does with one segment: find the wanted layers by name, run them in one pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hour_lake.errors import HourLakeError
from hour_lake.passes.declare import MEDIA_READS
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.registry import Layers, load_layers
from hour_lake.passes.run import run_pass


@dataclass(frozen=True)
class SegmentTask:
    """Layers to make of one segment. `locations`: local paths of what they read, by its name (`frames` is the clip).

    `config`: layer -> keywords from the settings. `folders`: where to look for layers besides the usual places.
    """

    segment_id: str
    wanted: tuple[str, ...]
    locations: Mapping[str, str]
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    folders: tuple[str, ...] = ()


def run_segment(task: SegmentTask) -> dict[str, Outcome | HourLakeError]:
    """An outcome or an error for each wanted layer."""
    layers = _layers(task.folders)
    tables = {name: place for name, place in task.locations.items() if name not in MEDIA_READS}
    return run_pass([layers.require(name) for name in task.wanted], _media(task), tables, task.config)


def _media(task: SegmentTask) -> SegmentMedia:
    clip, samples, master = (Path(task.locations[k]) if k in task.locations else None for k in MEDIA_READS)
    return SegmentMedia(task.segment_id, clip, samples, master)


@cache
def _layers(folders: tuple[str, ...]) -> Layers:
    return load_layers(folders)
