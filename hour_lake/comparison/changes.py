"""What the lake's own diff tells: per layer and for the segments themselves; the cost follows the change."""

from collections import Counter, defaultdict
from pathlib import PurePosixPath

from hour_lake.comparison.answer import LayerChange
from hour_lake.lake.interface import Change, Lake

LAYERS, SEGMENTS = "layers/", "segments/"


def layer_changes(lake: Lake, before: str, after: str) -> list[LayerChange]:
    """One line for each layer of which anything was written anew, by name."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for change in lake.diff(before, after, LAYERS):
        if change.path.endswith(".parquet"):  # a clip beside the table is no segment more
            counts[change.path.split("/")[1]][_kind(change)] += 1
    return [
        LayerChange(layer, found["changed"], found["added"], found["removed"], found["remade"])
        for layer, found in sorted(counts.items())
    ]


def segment_changes(lake: Lake, before: str, after: str) -> tuple[list[str], list[str]]:
    """Ids of the segments that only the new side has, and of those that only the old one has."""
    found: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}
    for change in lake.diff(before, after, SEGMENTS):
        found[change.kind].append(PurePosixPath(change.path).stem)
    return found["added"], found["removed"]


def _kind(change: Change) -> str:
    same = change.before and change.after and change.before.digest == change.after.digest
    return "remade" if same else change.kind
