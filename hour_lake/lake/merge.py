"""Three-way merge: what a source changed since it parted is laid on another branch; the cost follows the changes.

      o---o---o  source        changed there and not here: taken
     /         \\               changed here and not there: kept
----o---o---o---M  into        changed on both sides alike: kept; differently: MERGE_CONFLICT, nothing is moved
  base
"""

import hashlib
import heapq
from collections.abc import Sequence

from hour_lake.errors import LakeError
from hour_lake.lake.commits import Commits, Stored
from hour_lake.lake.diff import differences
from hour_lake.lake.failpoints import reached
from hour_lake.lake.nodes import Ref
from hour_lake.lake.publish import Built, Intent, Store, clashing, publish, value_of
from hour_lake.lake.rewrite import rewrite
from hour_lake.lake.tree import find

PATHS_NAMED = 50


def merge(store: Store, source: str, intent: Intent, leave: Sequence[bytes] = ()) -> str:
    """Merge a commit into the branch of `intent`; the new commit, or the head if it has everything already."""

    def build(head: Stored) -> Built | None:
        base = common_ancestor(store.commits, source, head.commit.id)
        reached("merge.base_found")
        if base.commit.id == source:
            return None
        return Built(merged(store, base, store.commits.get(source), head, leave), [head.commit.id, source])

    wanted = hashlib.sha256(f"merge {source}".encode()).digest()
    return publish(store, intent, wanted, build)


def common_ancestor(commits: Commits, one: str, other: str) -> Stored:
    """The newest commit that both come from; commits are numbered so that every parent is below its children.

    Both histories are walked back together, newest first; the first commit that is met from both sides is it.
    """
    sides = {one: {1}, other: {2}} if one != other else {one: {1, 2}}
    waiting = [(-stored.seq, stored.commit.id) for stored in map(commits.get, sides)]
    heapq.heapify(waiting)
    while waiting:
        _, commit_id = heapq.heappop(waiting)
        stored = commits.get(commit_id)
        if len(sides[commit_id]) == 2:
            return stored
        for parent in stored.commit.parents:
            if parent not in sides:
                heapq.heappush(waiting, (-commits.get(parent).seq, parent))
            sides.setdefault(parent, set()).update(sides[commit_id])
    raise LakeError("STORE_CORRUPT", "two commits have no common ancestor", value=f"{one}, {other}")


def merged(store: Store, base: Stored, source: Stored, head: Stored, leave: Sequence[bytes] = ()) -> Ref:
    """The tree of a merge; MERGE_CONFLICT names the paths that both sides changed differently.

    Keys that begin with one of `leave` stay as the head has them, if anything happened there since.
    """
    if head.root.digest == base.root.digest:
        return source.root  # nothing happened here since
    pairs = [(old, new, (new or old)) for old, new in differences(store.nodes, base.root, source.root)]
    changed = {some.key: (old, new) for old, new, some in pairs if some and not some.key.startswith(tuple(leave))}
    there = find(store.nodes, head.root, list(changed))
    before = {key: old for key, (old, _) in changed.items() if old}
    paths = clashing(there, before, {key: value_of(new) for key, (_, new) in changed.items()})
    if paths:
        raise conflict(paths, base=base.commit.id, source=source.commit.id, head=head.commit.id)
    reached("merge.compared")
    edits = [(key, new) for key, (_, new) in changed.items() if value_of(there.get(key)) != value_of(new)]
    return rewrite(store.nodes, head.root, edits) if edits else head.root


def conflict(paths: Sequence[str], *, base: str, source: str, head: str) -> LakeError:
    """MERGE_CONFLICT: these paths were changed differently since the commit `base`."""
    return LakeError(
        "MERGE_CONFLICT",
        f"{len(paths)} paths were changed differently on both sides since {base[:12]}: "
        + ", ".join(paths[:PATHS_NAMED]),
        value=len(paths), where=f"{source} into {head}",
        fix="make them alike on one of the sides, or merge the other way round first",
    )  # fmt: skip
