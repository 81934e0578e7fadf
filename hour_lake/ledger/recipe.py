"""The recipe of an output: a hash over code, configuration, weights and inputs, kept with what it was made of.

The parts are stored beside the hash, so that a later question "why is this stale?" has an answer in words.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHORT = 12


@dataclass(frozen=True)
class Recipe:
    """`value` (64 hex digits) is stored as the entry's fingerprint and reported as Dagster's data version."""

    value: str
    parts: Mapping[str, str]

    def metadata(self) -> dict[str, str]:
        """What goes into the entry's metadata."""
        return {"fingerprint": self.value, "recipe": json.dumps(self.parts, sort_keys=True, separators=(",", ":"))}


def recipe(*, source: str, config: Mapping[str, Any], models: Mapping[str, str], inputs: Mapping[str, str]) -> Recipe:
    """The recipe of one output. `inputs` and `models` are digests by name; `config` holds plain JSON values."""
    parts = {"source": source[:SHORT]}
    parts |= {f"config.{key}": json.dumps(value, sort_keys=True) for key, value in sorted(config.items())}
    parts |= {f"model.{name}": digest[:SHORT] for name, digest in sorted(models.items())}
    parts |= {f"input.{name}": digest[:SHORT] for name, digest in sorted(inputs.items())}
    whole = json.dumps([source, config, sorted(models.items()), sorted(inputs.items())], sort_keys=True)
    return Recipe(hashlib.sha256(whole.encode()).hexdigest(), parts)


def difference(stored: Mapping[str, str], now: Recipe) -> str:
    """In words, what changed between the recipe in an entry's metadata and the one that holds now."""
    before: dict[str, str] = json.loads(stored.get("recipe", "{}"))
    changed = [_sentence(key, before.get(key), now.parts.get(key)) for key in sorted({*before, *now.parts})
               if before.get(key) != now.parts.get(key)]  # fmt: skip
    return "; ".join(changed) or "made by another version"


def _sentence(key: str, before: str | None, after: str | None) -> str:
    kind, _, name = key.partition(".")
    match kind:
        case "source":
            return "its code changed"
        case "config":
            return f"{name} changed from {before} to {after}"
        case "model":
            return f"the weights {name} changed"
        case _:
            return f"its input {name} changed"
