"""Layers' keywords that a branch pins in place of the settings': versioned with the outputs that they made.

An experiment with another threshold would be stale on the machine of everyone whose settings do not name it. So the
override lies in the lake: it branches, merges and is dropped with the branch, and `status` on any ref agrees with what
was run there. Where the settings and the branch both name a keyword, the branch counts.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from hour_lake.errors import ConfigError
from hour_lake.lake.interface import Lake
from hour_lake.passes.config import configured
from hour_lake.passes.registry import Layers

PATH = "settings/layers.json"
Keywords = Mapping[str, Mapping[str, Any]]  # layer -> keyword -> value


def pinned_keywords(lake: Lake, ref: str) -> Keywords:
    """What a commit pins; nothing, if it does not."""
    commit = lake.resolve(ref)
    return json.loads(lake.read(commit, PATH)) if lake.entry(commit, PATH) else {}


def laid_over(settings: Keywords, pinned: Keywords) -> dict[str, dict[str, Any]]:
    """The settings' keywords with the pinned ones in their place."""
    return {name: {**settings.get(name, {}), **pinned.get(name, {})} for name in {**settings, **pinned}}


def pin_keywords(lake: Lake, branch: str, assignments: Iterable[str], layers: Layers) -> Keywords:
    """Pin `LAYER.KEYWORD=VALUE`s on a branch, as YAML writes values; without a value it is the settings' again.

    What is pinned afterwards. CONFIG_TYPE, LAYER_UNKNOWN, LAYER_CONFIG.
    """
    before = pinned_keywords(lake, branch)
    after = {name: dict(keywords) for name, keywords in before.items()}
    for layer, keyword, value in map(_parsed, assignments):
        configured(layers.require(layer), {keyword: layers[layer].config.get(keyword) if value is None else value})
        keywords = after.setdefault(layer, {})
        keywords.pop(keyword, None)
        if value is not None:
            keywords[keyword] = value
    after = {name: keywords for name, keywords in after.items() if keywords}
    if after != before:
        with lake.transaction(branch, {"assets": ", ".join(sorted({*before, *after}))}, message=_worded(after)) as tx:
            if after:
                tx.put(PATH, json.dumps(after, indent=1, sort_keys=True).encode())
            else:
                tx.delete(PATH)
    return after


def _parsed(assignment: str) -> tuple[str, str, Any]:
    name, equals, text = assignment.partition("=")
    layer, dot, keyword = name.strip().partition(".")
    if not (equals and dot and layer and keyword):
        raise ConfigError("CONFIG_TYPE", "not a keyword of a layer", value=assignment,
                          fix="write LAYER.KEYWORD=VALUE, like blink.closed_below=0.75")  # fmt: skip
    try:
        return layer, keyword, yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError("CONFIG_TYPE", "the value is not YAML", value=text, where=name) from error


def _worded(keywords: Keywords) -> str:
    pinned = [f"{layer}.{name} = {value}" for layer, of in sorted(keywords.items()) for name, value in of.items()]
    return f"pinned: {', '.join(pinned)}" if pinned else "nothing is pinned"
