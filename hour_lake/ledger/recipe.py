"""A fingerprint as it is kept with an output: its value, and the parts that later tell in words why it is stale."""

import json
import re
from collections.abc import Mapping
from typing import Any

from hour_lake.lake.interface import Entry
from hour_lake.passes.fingerprint import SHORT, Fingerprint, changes, combined

MISSING = "missing"
FOUND_IN = re.compile(r"^(hour_lake\.layers\.|hour_lake\.|hour_lake_layers_[0-9a-f]{8}\.)")


def step_parts(
    *, source: Mapping[str, str], config: Mapping[str, Any], models: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The parts that are the same for every segment: digests of code and weights, and the configuration."""
    parts = {f"source:{plain_module(name)}": digest for name, digest in source.items()}
    parts |= {f"config:{name}": json.dumps(value, sort_keys=True) for name, value in config.items()}
    return parts | {f"model:{name}": digest for name, digest in (models or {}).items()}


def plain_module(name: str) -> str:
    """A module's name without where it was found, so that a folder of layers can be moved: `blink`, `models.iris`."""
    return FOUND_IN.sub("", name)


def recipe(parts: Mapping[str, str], inputs: Mapping[str, str | None]) -> Fingerprint:
    """The fingerprint of one output over the digests of its inputs; an input that is missing counts as such."""
    return combined({**parts, **{f"input:{name}": digest or MISSING for name, digest in inputs.items()}})


def stored(made_by: Fingerprint) -> dict[str, str]:
    """What goes into the metadata of an entry."""
    return {
        "fingerprint": made_by.value,
        "parts": json.dumps(dict(made_by.parts), sort_keys=True, separators=(",", ":")),
    }


def parts_of(entry: Entry) -> Mapping[str, str]:
    """The parts of the fingerprint that an entry was stored with."""
    return json.loads(entry.metadata.get("parts", "{}"))


def made_from(entry: Entry, read: str, found: Entry | None) -> bool:
    """Whether a layer that an entry's maker read was then what it is now."""
    return parts_of(entry).get(f"input:{read}") == (found.digest if found else MISSING)[:SHORT]


def difference(entry: Entry, now: Fingerprint) -> str:
    """In words, what changed between the fingerprint of an entry and the one that holds now."""
    return "; ".join(changes(parts_of(entry), now.parts)) or "made by another version"
