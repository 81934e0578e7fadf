"""Which assets a selection means: Dagster's own syntax, where a bare name is that asset."""

import difflib
import re
from collections.abc import Sequence

import dagster as dg

from hour_lake.errors import ConfigError

# `key:"bl*"`, `group:audio` and quoted text are left alone; a word is the name of an asset, `*` beside it Dagster's old
# way to say `+`.
WORD = re.compile(r'"[^"]*"|\w+\s*:\s*[^\s()"+]*|(?P<up>\*?)(?<!\w)(?P<name>[A-Za-z_]\w*+)(?P<down>\*?+)(?!\s*\()')
OPERATORS = {"and", "or", "not"}
EXAMPLES = "write as in the UI: blink, +blink, 1+blink, blink+, blink or mouth, not blink, group:audio, kind:gpu"


def selected_assets(selection: str) -> set[str]:
    """Names of the assets that a selection means; commas separate selections, as `blink,mouth+`.

    `+blink`: and all that it is made from; `1+blink`: and what it reads itself; `blink+`, `blink+1`: what is made from
    it. SELECTION_UNKNOWN where a name is none or a part selects nothing.
    """
    from hour_lake.definitions import defs

    graph = defs.resolve_asset_graph()
    known = {key.to_user_string() for key in graph.get_all_asset_keys()}
    names: set[str] = set()
    for part in selection.split(","):
        strangers = [match["name"] for match in WORD.finditer(part) if _is_name(match) and match["name"] not in known]
        try:
            found = dg.AssetSelection.from_string(spelled_out(part.strip())).resolve(graph)
        except Exception as error:  # Dagster's own parser has many exception types
            raise _unknown(part, strangers, known) from error
        if strangers or not found:
            raise _unknown(part, strangers, known)
        names |= {key.to_user_string() for key in found}
    return names


def spelled_out(selection: str) -> str:
    """As the UI writes it: `1+blink or mouth*` is `1+key:"blink" or key:"mouth"+`."""
    return WORD.sub(_with_key, selection)


def _with_key(match: re.Match[str]) -> str:
    if not _is_name(match):
        return match[0]
    up, down = ("+" if match[side] else "" for side in ("up", "down"))
    return f'{up}key:"{match["name"]}"{down}'


def _is_name(match: re.Match[str]) -> bool:
    return match["name"] is not None and match["name"].lower() not in OPERATORS


def _unknown(part: str, strangers: Sequence[str], known: set[str]) -> ConfigError:
    near = [found for name in strangers for found in difflib.get_close_matches(name, known, n=1)]
    fix = f"did you mean {near[0]!r}?" if near else f"assets: {', '.join(sorted(known))}" if strangers else EXAMPLES
    return ConfigError("SELECTION_UNKNOWN", "no asset is selected", value=part, fix=fix)
