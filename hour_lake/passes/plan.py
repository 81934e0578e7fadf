"""Passes, derived from what layers declare: which layers share one decode, or one reading of the sound.

    frames      face_boxes -> face_landmarks -> blink, mouth      all that needs nothing but frames
    samples     voice_activity, loudness, mel                     all that needs nothing but sound
    tables      speaking (reads mouth and voice_activity)         tables that come from more than one pass

A layer that declares `compute="gpu"` goes to `frames_gpu` (or `samples_gpu`, `tables_gpu`). Where a frame layer reads a
table of a pass which itself waits for frames, a second pass `frames_2` is made: no pass ever waits for itself.
Layers over the whole corpus are in no pass: they come after all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from hour_lake.passes.declare import MEDIA_READS, Layer
from hour_lake.passes.graph import in_order, tables_read


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
    """The passes in an order in which they can run, as few as can be; the same layers give the same passes."""
    given = layers.values() if isinstance(layers, Mapping) else layers
    ordered = in_order(layer for layer in given if not layer.is_corpus_wide)
    kinds = _kinds(ordered)
    choices = [_placed(ordered, kinds, order) for order in permutations(sorted(set(kinds.values())))]
    places = min(choices, key=lambda places: (len(set(places.values())), sorted(places.values())), default={})
    return [
        Pass(_name(kind, places.values(), place), tuple(x for x in ordered if places[x.name] == (place, kind)))
        for place, kind in sorted(set(places.values()))
    ]


def _kinds(ordered: Sequence[Layer]) -> dict[str, str]:
    """Layer -> kind of pass. A table layer goes where all that it reads is made, otherwise to `tables`."""
    kinds: dict[str, str] = {}
    for layer in ordered:
        suffix = "_gpu" if layer.compute == "gpu" else ""
        if "frames" in layer.reads:
            kinds[layer.name] = "frames" + suffix
        elif "samples" in layer.reads or "master" in layer.reads:
            kinds[layer.name] = "samples" + suffix
        else:
            read = {kinds[name] for name in tables_read(layer) if name in kinds}
            kinds[layer.name] = read.pop() if len(read) == 1 and not suffix else "tables" + suffix
    return kinds


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
