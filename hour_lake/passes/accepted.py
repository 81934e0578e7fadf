"""What others accept of a layer's declaration: Dagster its labels, the registry its models, fingerprints its defaults.

Dagster's rules are written down here, for passes do not know it; a test compares them.
"""

import keyword
import re
from difflib import get_close_matches
from typing import Any

from hour_lake.models.registry import registry

# The assets of the flow that are no layers.
FLOW = frozenset(
    {"manifest", "videos", "segment_plan", "segments", "audio", "cleaning_flags", "catalog", "dataset"}
)  # fmt: skip
# Names that Dagster keeps for itself.
DAGSTER_WORDS = frozenset(
    {"context", "conf", "config", "meta", "arg_dict", "dict", "input_arg_dict", "output_arg_dict", "int", "str",
     "float", "bool", "input", "output", "type", *keyword.kwlist}
)  # fmt: skip
OWNER = re.compile(r"team:.+|\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}\b")
GROUP = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")
DEEPEST = 20


def taken_by(name: str) -> str | None:
    """Whose name it is already."""
    return "the flow" if name in FLOW else "Dagster" if name in DAGSTER_WORDS else None


def wrong_owner(owner: Any) -> str | None:
    """Of an owner that is neither an email address nor a team."""
    fits = owner is None or (is_text(owner) and OWNER.fullmatch(owner))
    return None if fits else "an owner is an email address, or a team as team:NAME"


def wrong_group(group: Any) -> str | None:
    """Of a group that the UI cannot show."""
    fits = is_text(group) and GROUP.fullmatch(group)
    return None if fits else f"the name of a group must match {GROUP.pattern}"


def wrong_models(models: Any) -> tuple[str, str] | None:
    """What is wrong, and the value: not a tuple of names, or a name that the registry does not have."""
    if not isinstance(models, tuple | list):
        return 'models are a tuple of names: ("blazeface",)', repr(models)
    for name in models:
        if not isinstance(name, str) or name not in registry():
            near = get_close_matches(str(name), registry(), n=3, cutoff=0.5) or sorted(registry())
            return f"there is no such model, but {', '.join(near)}", repr(name)
    return None


def is_plain(value: Any, *, depth: int = 0) -> bool:
    """Whether it is written the same in every process: None, numbers, texts, and tuples, lists and dicts of these."""
    if isinstance(value, tuple | list):
        return depth < DEEPEST and all(is_plain(item, depth=depth + 1) for item in value)
    if isinstance(value, dict):
        return all(map(is_text, value)) and is_plain(list(value.values()), depth=depth)
    return value is None or isinstance(value, bool | int | float) or is_text(value)


def is_text(value: Any) -> bool:
    """Whether it is a text that can be stored: not one with halves of characters, as file names may have."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
