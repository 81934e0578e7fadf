"""What differs between two trees: equal nodes are passed over unread, so the cost follows the change."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import NamedTuple

from hour_lake.lake.entries import unpacked
from hour_lake.lake.interface import Change, Entry
from hour_lake.lake.metadata import MetadataBlocks
from hour_lake.lake.node import Item, Node
from hour_lake.lake.nodes import EMPTY, Nodes, Ref
from hour_lake.lake.tree import child_ref, overlapping

Pair = tuple[Item | None, Item | None]
LEAVES_AT_ONCE = 128
CHANGES_AT_ONCE = 256


class Span(NamedTuple):
    """A node and the key that all of its own lie beyond."""

    low: bytes
    ref: Ref


class Side:
    """What is left to compare of one tree: nodes of one level, in key order."""

    def __init__(self, nodes: Nodes, root: Ref, prefix: bytes) -> None:
        self.nodes = nodes
        self.prefix = prefix
        self.spans = [] if root == EMPTY else [Span(b"", root)]
        self.level = -1 if root == EMPTY else nodes.get(root).level

    def read(self) -> list[Node]:
        """The nodes that are left."""
        return self.nodes.get_many([span.ref for span in self.spans])

    def digests(self, above: Sequence[Node] | None) -> AbstractSet[bytes]:
        """Digests of the nodes one level down, if `above` are the nodes here; else of the nodes here."""
        if above is None:
            return {span.ref.digest for span in self.spans}
        return set[bytes]().union(*(node.values for node in above))

    def descend(self, read: Sequence[Node], same: AbstractSet[bytes]) -> None:
        """Replace every node by its children: those that the prefix concerns and the other side does not have."""
        self.spans = [
            Span(node.keys[position - 1] if position else span.low, child_ref(node, position))
            for span, node in zip(self.spans, read, strict=True)
            for position in overlapping(node, self.prefix)
            if node.values[position] not in same
        ]
        self.level -= 1

    def drop(self, same: AbstractSet[bytes]) -> None:
        """Leave out what the other side has too."""
        self.spans = [span for span in self.spans if span.ref.digest not in same]


def differences(nodes: Nodes, before: Ref, after: Ref, prefix: bytes = b"") -> Iterator[Pair]:
    """Pairs of items (None where there is none), in key order, for keys with this prefix that differ."""
    if before.digest == after.digest:
        return
    sides = Side(nodes, before, prefix), Side(nodes, after, prefix)
    while (top := max(side.level for side in sides)) > 0:
        read = [side.read() if side.level == top else None for side in sides]
        one, other = (side.digests(above) for side, above in zip(sides, read, strict=True))
        same = one & other if all(side.level >= top - 1 for side in sides) else frozenset[bytes]()
        for side, above in zip(sides, read, strict=True):
            if above is not None:
                side.descend(above, same)
            elif same:
                side.drop(same)
    yield from _leaf_differences(nodes, sides[0].spans, sides[1].spans, prefix)


def _leaf_differences(nodes: Nodes, before: Sequence[Span], after: Sequence[Span], prefix: bytes) -> Iterator[Pair]:
    """Leaves of both sides in order of where they begin, a batch at a time.

    What lies up to the beginning of the next leaf has been seen on both sides and is settled:

        before   (0 ........ 9](9 ...... 20]
        after    (0 ... 5](5 ....... 14]        a batch of three: (0..9], (0..5], (5..14] -> settled up to 9
    """
    pending: tuple[dict[bytes, Item], dict[bytes, Item]] = ({}, {})
    leaves = sorted([(span, 0) for span in before] + [(span, 1) for span in after])
    for start in range(0, len(leaves), LEAVES_AT_ONCE):
        batch = leaves[start : start + LEAVES_AT_ONCE]
        for (_, side), leaf in zip(batch, nodes.get_many([span.ref for span, _ in batch]), strict=True):
            pending[side].update((item.key, item) for item in leaf.items() if item.key.startswith(prefix))
        following = leaves[start + LEAVES_AT_ONCE : start + LEAVES_AT_ONCE + 1]
        yield from _settled(*pending, following[0][0].low if following else None)


def _settled(before: dict[bytes, Item], after: dict[bytes, Item], bound: bytes | None) -> Iterator[Pair]:
    """Take out what lies up to `bound` on both sides; what differs is passed on."""
    for key in sorted(key for key in {**before, **after} if bound is None or key <= bound):
        old, new = before.pop(key, None), after.pop(key, None)
        if old is None or new is None or old.value != new.value:
            yield old, new


def changes(blocks: MetadataBlocks, pairs: Iterator[Pair]) -> Iterator[Change]:
    """Pairs of items as the changes that a user sees."""
    while batch := list(islice(pairs, CHANGES_AT_ONCE)):
        before = unpacked(blocks, (old for old, _ in batch if old is not None))
        after = unpacked(blocks, (new for _, new in batch if new is not None))
        for old, new in batch:
            yield change_of(next(before) if old else None, next(after) if new else None)


def change_of(before: Entry | None, after: Entry | None) -> Change:
    """What happened to one path; at least one side is there."""
    if before is None:
        assert after is not None
        return Change(after.path, "added", None, after)
    return Change(before.path, "removed" if after is None else "changed", before, after)
