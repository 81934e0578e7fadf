"""A layer's configuration: its keyword-only arguments, and what the settings put in their place."""

from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any

from hour_lake.errors import LayerError
from hour_lake.passes.accepted import is_plain
from hour_lake.passes.declare import Layer


def configured(layer: Layer, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All keyword arguments that the layer will be called with; LAYER_CONFIG for an unknown name or a wrong type.

    `configured(blink, {"closed_below": 0.25}) == {"closed_below": 0.25}`
    """
    defaults = layer.config
    for name, value in (given or {}).items():
        if name not in defaults:
            near = get_close_matches(name, defaults, n=1, cutoff=0.5)
            known = f"it has {', '.join(defaults)}" if defaults else "it has none"
            raise LayerError("LAYER_CONFIG", f"{layer.name} has no such keyword", value=name, where=layer.where,
                             fix=f"did you mean {near[0]!r}?" if near else known)  # fmt: skip
        if not is_plain(value):
            raise LayerError("LAYER_CONFIG", f"{layer.name}.{name} must be plain data", value=value, where=layer.where,
                             fix="numbers, texts in quotes, lists and mappings of these")  # fmt: skip
        if not _fits(value, defaults[name]):
            raise LayerError("LAYER_CONFIG", f"{layer.name}.{name} must be like its default {defaults[name]!r}",
                             value=value, where=layer.where)  # fmt: skip
    provider = (given or {}).get("provider")
    if layer.providers and provider is not None and provider not in layer.providers:
        raise LayerError("LAYER_CONFIG", f"{layer.name} has no such provider", value=provider, where=layer.where,
                         fix=f"one of: {', '.join(layer.providers)}")  # fmt: skip
    # Copies: a layer that changes a list of its own would change what the next segment gets.
    return {name: deepcopy(_like(default, (given or {}).get(name, default))) for name, default in defaults.items()}


def _fits(value: Any, default: Any) -> bool:
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, list | tuple)
    return isinstance(value, type(default))


def _like(default: Any, value: Any) -> Any:
    """YAML writes 1 for 1.0 and lists for tuples."""
    if isinstance(default, float) and isinstance(value, int):
        return float(value)
    return tuple(value) if isinstance(default, tuple) else value
