"""Three-way merges as the documentation's table has them, and their strategies."""

from dataclasses import dataclass, field

from hour_lake_tests.lakefs_server.errors import invalid
from hour_lake_tests.lakefs_server.records import Record, is_same
from hour_lake_tests.lakefs_server.settings import SameChange
from hour_lake_tests.lakefs_server.trees import Trees

STRATEGIES = ("", "dest-wins", "source-wins")


@dataclass(frozen=True)
class Merged:
    """What to change on the destination, and what both sides changed differently (as the source has it)."""

    edits: dict[str, Record | None] = field(default_factory=dict[str, Record | None])
    conflicts: dict[str, Record | None] = field(default_factory=dict[str, Record | None])


def three_way(trees: Trees, base: str, source: str, destination: str, same_change: SameChange) -> Merged:
    """Lay on one tree what changed from `base` to `source`."""
    merged = Merged()
    ours = {path: new for path, _, new in trees.changes(base, destination)}
    for path, old, new in trees.changes(base, source):
        here = ours.get(path) if path in ours else old
        if is_same(old, new, same_change) or is_same(here, new, same_change):
            continue
        if is_same(here, old, same_change):
            merged.edits[path] = new
        else:
            merged.conflicts[path] = new
    return merged


def decided(merged: Merged, strategy: str) -> Merged:
    """Conflicts settled by a strategy; without one they stay."""
    if strategy not in STRATEGIES:
        raise invalid(f"argument strategy: {strategy!r}: invalid value")
    if not strategy:
        return merged
    return Merged(merged.edits | merged.conflicts if strategy == "source-wins" else merged.edits)
