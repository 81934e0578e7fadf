"""What a result depends on, as one digest that tells stale from done and as parts that tell why."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hour_lake.passes.config import configured
from hour_lake.passes.declare import Layer
from hour_lake.passes.source import function_digest as function_digest
from hour_lake.passes.source import source_digest as source_digest
from hour_lake.passes.source import source_parts

# Raised by hand when the engine itself changes the values that layers get or that files hold.
ENGINE = "1"
SHORT = 12
WORDS = {"source": "the code of {} changed", "config": "{} changed", "model": "the weights {} changed",
         "input": "{} changed", "engine": "the engine changed"}  # fmt: skip


@dataclass(frozen=True)
class Fingerprint:
    """`value`: sha256 over everything. `parts`: kind:name -> short digest or the value itself, for `changes`."""

    value: str
    parts: Mapping[str, str]

    def __str__(self) -> str:
        return self.value


def fingerprint(
    layer: Layer, config: Mapping[str, Any], models: Mapping[str, str], inputs: Mapping[str, str]
) -> Fingerprint:
    """Of one layer on one segment.

    `config`: keywords that the settings give (defaults are filled in). `models`: name -> sha256 of the weights.
    `inputs`: what it reads -> digest of the clip, the sound or the table.
    """
    parts = {f"source:{name}": digest for name, digest in source_parts(layer).items()}
    parts |= {f"config:{name}": _plain(value) for name, value in configured(layer, config).items()}
    return combined({**parts, **{f"model:{name}": digest for name, digest in models.items()},
                     **{f"input:{name}": digest for name, digest in inputs.items()}})  # fmt: skip


def combined(parts: Mapping[str, str]) -> Fingerprint:
    """A fingerprint of any step, from parts named `kind:name` (source, config, model, input)."""
    full = {"engine:": ENGINE, **parts}
    value = hashlib.sha256(json.dumps(full, sort_keys=True).encode()).hexdigest()
    return Fingerprint(value, {name: _short(name, part) for name, part in full.items()})


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """In words, what differs between the parts of two fingerprints; empty when nothing does.

    `changes(old.parts, new.parts) == ["closed_below changed: 0.2 -> 0.25"]`
    """
    words: list[str] = []
    for part in sorted(before.keys() | after.keys()):
        kind, _, name = part.partition(":")
        old, new = before.get(part), after.get(part)
        if old is None or new is None:
            words.append(f"{name} is {'new' if old is None else 'gone'} ({kind})")
        elif old != new:
            shown = f": {old} -> {new}" if kind == "config" else ""
            words.append(WORDS.get(kind, "{} changed").format(name) + shown)
    return words


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _short(name: str, part: str) -> str:
    if name.startswith("config:"):
        return part if len(part) <= 60 else hashlib.sha256(part.encode()).hexdigest()[:SHORT]
    return part[:SHORT]
