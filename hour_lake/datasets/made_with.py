"""Which weights made the rows of some segments, as the ledger kept it with them; not those that are in force now."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from hour_lake.lake.interface import Entry, Lake
from hour_lake.ledger.paths import corpus_path
from hour_lake.ledger.recipe import parts_of
from hour_lake.models.registry import registry
from hour_lake.passes.declare import Layer


class Weights(NamedTuple):
    """A model as a fingerprint names it: `sha256` is the beginning of the digest of its file."""

    model: str
    sha256: str
    provider: str | None  # the layer's keyword of that name


def made_with(
    lake: Lake, commit: str, segments: Collection[str], layers: Mapping[str, Layer]
) -> dict[str, list[dict[str, Any]]]:
    """Layer -> the models that ran for these segments, of each on how many; only layers that ran one.

    `licence` is None where the registry now has other weights under that name.
    """
    chosen = set(segments)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, layer in sorted(layers.items()):
        counts = Counter(weights for entry in _made(lake, commit, layer, chosen) for weights in weights_of(entry))
        if counts:
            found[name] = [{**_named(weights), "segments": counts[weights]} for weights in sorted(counts, key=repr)]
    return found


def weights_of(entry: Entry) -> list[Weights]:
    """The models in the fingerprint that an entry was stored with."""
    parts = parts_of(entry)
    written = parts.get("config:provider", "")
    provider = json.loads(written) if written.startswith('"') else None
    named = ((part.removeprefix("model:"), digest) for part, digest in parts.items() if part.startswith("model:"))
    return [Weights(name, digest, provider) for name, digest in named]


def _made(lake: Lake, commit: str, layer: Layer, chosen: set[str]) -> Iterator[Entry]:
    """An entry with a fingerprint for each chosen segment that has a table of the layer."""
    if not layer.all_models:
        return
    over_all = lake.entry(commit, corpus_path(layer.name)) if layer.is_corpus_wide else None
    for entry in lake.entries(commit, f"layers/{layer.name}/"):
        segment, _, kind = entry.path.rpartition("/")[2].partition(".")
        if segment in chosen and kind == "parquet":
            yield over_all or entry


def _named(weights: Weights) -> dict[str, Any]:
    known = registry().get(weights.model)
    licence = known.licence if known and known.sha256.startswith(weights.sha256) else None
    return {"name": weights.model, "provider": weights.provider, "licence": licence, "sha256": weights.sha256}
