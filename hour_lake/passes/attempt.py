"""`hour-lake try`: one layer and what it reads on one file, in this process, so `print` and `breakpoint()` work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hour_lake.errors import HourLakeError, LayerError, MediaError
from hour_lake.passes.arrays import Table
from hour_lake.passes.config import configured
from hour_lake.passes.declare import Layer
from hour_lake.passes.keeper import Keeper
from hour_lake.passes.outcome import device_of
from hour_lake.passes.picture import Pictured, picture_of
from hour_lake.passes.registry import Layers, load_layers
from hour_lake.passes.run import Run
from hour_lake.passes.strips import written
from hour_lake.passes.take import take_of
from hour_lake.settings import Limits


@dataclass(frozen=True)
class Attempt:
    """What a layer gave for a file. `table` is as other layers would get it, `picture` the PNG that was written.

    `note`: how that differs from what a run gives for a segment with this picture and sound; None: it does not.
    """

    layer: Layer
    table: Table
    seconds: float
    duration_seconds: float
    picture: Path
    device: str | None = None  # where its networks ran
    note: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, `frame_index` and `time_seconds` first where there are rows a frame."""
        grid = tuple(name for name in ("frame_index", "time_seconds") if name in self.table)
        return grid + tuple(self.layer.columns)

    @cached_property
    def rows(self) -> list[tuple[str, ...]]:
        """All rows as short texts."""
        columns = [[written(value) for value in self.table[name]] for name in self.columns]
        return list(zip(*columns, strict=True))


def try_layer(
    layer: str | Layer,
    file: Path,
    picture: Path,
    *,
    folders: Iterable[Path | str] = (),
    config: Mapping[str, Mapping[str, Any]] | None = None,
    keywords: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
) -> Attempt:
    """Run one layer on a clip, any video (see `take`), or (if it only listens) any sound; draw what came of it.

    `layer`: a layer, the name of one, or the path of a file that declares one. `config`: layer -> keywords, as in the
    settings; `keywords`: of this layer, in place of those. Raises what the layer raised; LAYER_CONFIG.
    """
    file = Path(file)
    if not file.is_file():
        raise MediaError("SOURCE_MISSING", "there is no such file", value=str(file))
    target, wanted = _wanted(layer, folders)
    if target.is_corpus_wide:
        raise LayerError("LAYER_READS", "looks at all segments, so it cannot be tried on one file", value=target.name,
                         where=target.where, fix=f"`hour-lake run {target.name} --branch NAME`")  # fmt: skip
    laid_over = {**(config or {}), target.name: {**(config or {}).get(target.name, {}), **(keywords or {})}}
    chosen = {each.name: configured(each, laid_over.get(each.name)) for each in wanted}
    is_seen = any("frames" in each.reads for each in wanted)
    take = take_of(file, is_seen=is_seen, limits=limits or Limits())
    keeper = Keeper(take.readers)
    run = Run(wanted, take.media, {}, chosen, readers=keeper.readers)
    run.all()
    _raise_first(run, target)
    shown = Pictured(target, {x.name: run.tables[x.name] for x in wanted if x.name in run.tables}, keeper.samples,
                     keeper.heard(file), take.duration_seconds, file.name, run.seconds[target.name])  # fmt: skip
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(picture_of(shown))
    device = device_of(target, run.devices.get(target.name, set()))
    return Attempt(target, run.tables[target.name], run.seconds[target.name], take.duration_seconds, picture, device,
                   take.note)  # fmt: skip


def _wanted(layer: str | Layer, folders: Iterable[Path | str]) -> tuple[Layer, list[Layer]]:
    if isinstance(layer, Layer):
        layers = load_layers(folders)
        layers = Layers({**layers, layer.name: layer}, layers.broken)
        return layer, [layer if x.name == layer.name else x for x in layers.with_reads([layer.name])]
    if layer.endswith(".py"):
        target, layers = _declared_in(Path(layer).resolve(), folders)
    else:
        layers = load_layers(folders)
        target = layers.require(layer)
    return target, layers.with_reads([target.name])


def _declared_in(path: Path, folders: Iterable[Path | str]) -> tuple[Layer, Layers]:
    layers = load_layers([*folders, path.parent])
    for error in layers.broken:
        if error.where and Path(error.where.rpartition(":")[0]) == path:
            raise error
    here = [layer for layer in layers.values() if Path(layer.source_path) == path]
    if len(here) != 1:
        names = ", ".join(layer.name for layer in here) or "none"
        raise LayerError("LAYER_UNKNOWN", "the file must declare one layer", value=names, where=str(path),
                         fix="try it by its name, with its folder in HOUR_LAKE_LAYERS")  # fmt: skip
    return here[0], layers


def _raise_first(run: Run, target: Layer) -> None:
    """The error that a person must mend: not that a layer is blocked, but what blocks it."""
    if target.name not in run.errors:
        return
    first: HourLakeError = next((e for e in run.errors.values() if e.code != "BLOCKED"), run.errors[target.name])
    raise first
