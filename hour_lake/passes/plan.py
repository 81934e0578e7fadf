"""Passes, derived from what layers declare: which layers share one decode, or one reading of the sound.

    frames      face_boxes -> face_landmarks -> blink, mouth      all that needs nothing but frames
    samples     voice_activity, loudness, mel                     all that needs nothing but sound
    tables      speaking (reads mouth and voice_activity)         tables that come from more than one pass

A layer that declares `compute="gpu"` goes to `frames_gpu` (or `samples_gpu`, `tables_gpu`), one with `pool="p"` to
`frames_pool_p` (or `frames_gpu_pool_p`): a pass is one step, and a step has one pod and one pool.
Where a frame layer reads a table of a pass which itself waits for frames, a second pass `frames_2` is made: no pass
ever waits for itself.
Layers over the whole corpus are in no pass: they come after all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import permutations

from hour_lake.passes.declare import GPU_POOL, MEDIA_READS, Layer
from hour_lake.passes.graph import in_order, tables_read

SOUGHT = 6


@dataclass(frozen=True)
class Pass:
    """Layers that run together on one segment. `layers` are in dependency order."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def media(self) -> tuple[str, ...]:
        """Which of `frames`, `samples`, `master` its layers read themselves."""
        return tuple(kind for kind in MEDIA_READS if any(kind in layer.reads for layer in self.layers))

    @property
    def reads(self) -> tuple[str, ...]:
        """Layers of other passes whose tables it needs."""
        own = {layer.name for layer in self.layers}
        return tuple(sorted({read for layer in self.layers for read in tables_read(layer)} - own))

    @property
    def memory_gib(self) -> float:
        """What its hungriest layer asks for."""
        return max(layer.memory_gib for layer in self.layers)


def passes_of(layers: Mapping[str, Layer] | Iterable[Layer]) -> list[Pass]:
    """The passes in an order in which they can run; the same layers give the same passes.

    As few as can be, while there are at most SOUGHT kinds of them; beyond, nearly so: n kinds can stand in n! orders.
    """
    given = layers.values() if isinstance(layers, Mapping) else layers
    ordered = in_order(layer for layer in given if not layer.is_corpus_wide)
    kinds = _kinds(ordered)
    choices = [_placed(ordered, kinds, order) for order in _orders(ordered, kinds)]
    places = min(choices, key=lambda places: (len(set(places.values())), sorted(places.values())), default={})
    return [
        Pass(_name(kind, places.values(), place), tuple(x for x in ordered if places[x.name] == (place, kind)))
        for place, kind in sorted(set(places.values()))
    ]


def _kinds(ordered: Sequence[Layer]) -> dict[str, str]:
    """Layer -> kind of pass. A table layer goes where all that it reads is made, otherwise to `tables`."""
    kinds: dict[str, str] = {}
    for layer in ordered:
        suffix = _suffix(layer)
        if "frames" in layer.reads:
            kinds[layer.name] = "frames" + suffix
        elif "samples" in layer.reads or "master" in layer.reads:
            kinds[layer.name] = "samples" + suffix
        else:
            read = {kinds[name] for name in tables_read(layer) if name in kinds}
            kinds[layer.name] = read.pop() if len(read) == 1 and not suffix else "tables" + suffix
    return kinds


def _suffix(layer: Layer) -> str:
    pool = layer.pool_in_force
    if layer.compute == "gpu":
        return "_gpu" if pool == GPU_POOL else f"_gpu_pool_{pool}"
    return f"_pool_{pool}" if pool else ""


def _orders(ordered: Sequence[Layer], kinds: Mapping[str, str]) -> Iterable[tuple[str, ...]]:
    """The orders of kinds to try: all of them if they are few, else the one that the reads ask for."""
    names = sorted(set(kinds.values()))
    if len(names) <= SOUGHT:
        return permutations(names)
    links = {(kinds[layer.name], kinds[read]) for layer in ordered for read in tables_read(layer) if read in kinds}
    reads = {name: sorted(read for reader, read in links if reader == name != read) for name in names}
    try:
        return [tuple(TopologicalSorter(reads).static_order())]
    except CycleError:  # kinds that wait for each other: in the order of their first layers
        return [tuple(dict.fromkeys(kinds[layer.name] for layer in ordered))]


def _placed(ordered: Sequence[Layer], kinds: dict[str, str], order: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Layer -> (place, kind), with places frames 0, samples 1, tables 2, frames 3 ... for that order of kinds.

    Each layer takes the first place of its kind that is not before any of its reads, so reads never point forwards.
    """
    places: dict[str, tuple[int, str]] = {}
    for layer in ordered:
        earliest = max((places[read][0] for read in tables_read(layer) if read in places), default=0)
        first = order.index(kinds[layer.name])
        rounds = max(0, -(-(earliest - first) // len(order)))
        places[layer.name] = (first + rounds * len(order), kinds[layer.name])
    return places


def _name(kind: str, places: Iterable[tuple[int, str]], place: int) -> str:
    same = sorted({p for p, k in places if k == kind})
    number = same.index(place) + 1
    return kind if number == 1 else f"{kind}_{number}"
