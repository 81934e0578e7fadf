"""Which layer reads which: order, unknown names, cycles; a layer that cannot run is named, the others stay."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from hour_lake.errors import HourLakeError, LayerError
from hour_lake.passes.declare import MEDIA_READS, Layer


def tables_read(layer: Layer) -> tuple[str, ...]:
    """The names of the layers (not media) that it reads."""
    return tuple(read for read in layer.reads if read not in MEDIA_READS)


def in_order(layers: Iterable[Layer]) -> list[Layer]:
    """Each after all that it reads; otherwise by name, so that the order never changes by itself."""
    known = {layer.name: layer for layer in sorted(layers, key=lambda layer: layer.name)}
    graph = {name: [read for read in tables_read(layer) if read in known] for name, layer in known.items()}
    return [known[name] for name in TopologicalSorter(graph).static_order()]


def checked_reads(
    found: Mapping[str, Layer], unusable: Iterable[str] = ()
) -> tuple[dict[str, Layer], list[HourLakeError]]:
    """Layers in dependency order, and an error for each that reads what is not there or, by way of others, itself.

    `unusable`: names of layers that are not in `found` because something else is wrong with them.
    """
    there = {*found, *unusable}
    layers, wrong = dict(found), list[HourLakeError]()
    sparse = {name for name, layer in layers.items() if layer.request.fps and layer.rows == "frame"}
    for layer in found.values():
        missing = [read for read in tables_read(layer) if read in sparse]
        if missing and "frames" in layer.reads:
            layers.pop(layer.name)
            wrong.append(LayerError("LAYER_READS", "reads frames and a layer that has rows for some frames only",
                                    value=missing[0], where=layer.where,
                                    fix=f'read no frames, or give {missing[0]} rows="window"'))  # fmt: skip
    over_all = {name for name, layer in layers.items() if layer.is_corpus_wide}
    for layer in found.values():
        late = [read for read in tables_read(layer) if read in over_all]
        if late and layers.pop(layer.name, None):
            wrong.append(LayerError("LAYER_READS", "reads a layer over the whole corpus, which comes after all others",
                                    value=late[0], where=layer.where,
                                    fix=f"let it read what {late[0]} reads, or join them in a query"))  # fmt: skip
    while True:
        unknown = [(layer, read) for layer in layers.values() for read in tables_read(layer) if read not in layers]
        for layer, read in unknown:
            if layers.pop(layer.name, None):
                wrong.append(_unknown_read(layer, read, there))
        if unknown:
            continue
        try:
            return {layer.name: layer for layer in in_order(layers.values())}, wrong
        except CycleError as error:
            ring = error.args[1]
            for name in sorted(set(ring)):
                layer = layers.pop(name)
                wrong.append(LayerError("LAYER_CYCLE", "a layer reads, by way of others, itself", where=layer.where,
                                        value=" <- ".join(ring), fix="take one of these reads out"))  # fmt: skip


def _unknown_read(layer: Layer, read: str, there: set[str]) -> LayerError:
    if read in there:
        return LayerError("LAYER_READS", "reads a layer that is itself not usable", value=read, where=layer.where,
                          fix=f"mend {read} first")  # fmt: skip
    near = get_close_matches(read, sorted(there) + list(MEDIA_READS), n=1, cutoff=0.5)
    fix = f"did you mean {near[0]!r}?" if near else f"a layer, or one of {', '.join(MEDIA_READS)}"
    return LayerError("LAYER_READS", "reads something that is not there", value=read, where=layer.where, fix=fix)
