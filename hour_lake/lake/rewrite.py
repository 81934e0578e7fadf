"""Changing the tree: the nodes around a change are made anew, all others are shared with the tree before.

Where a node ends is decided by the key it ends with and nothing else (`node.height`), so a tree depends only on what is
in it, not on the order in which that came: the same entries have the same root, which is how "nothing has changed" is
told. Walking the old tree, a subtree without changes is taken over whole if the new nodes so far end where it begins;
and one in which no node comes to end elsewhere is written anew in place, node by node, its other keys untouched.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from hour_lake.lake.node import Item, height
from hour_lake.lake.nodes import EMPTY, Nodes, Ref
from hour_lake.lake.tree import child_ref, find, split

Edit = tuple[bytes, Item | None]


def rewrite(nodes: Nodes, root: Ref, edits: Sequence[Edit]) -> Ref:
    """The tree with each key of `edits` (ascending) set to its item, or without it where that is None."""
    builder = Builder(nodes)
    if root == EMPTY:
        for _, item in edits:
            if item is not None:
                builder.push(0, item)
    else:
        _walk(builder, nodes, root, edits, _moving(nodes, root, edits))
    return builder.finish()


def _moving(nodes: Nodes, root: Ref, edits: Sequence[Edit]) -> list[bytes]:
    """Keys at which nodes end, and that come or go: with them nodes around come to end elsewhere."""
    there = find(nodes, root, [key for key, _ in edits])
    return [key for key, item in edits if (key in there) == (item is None) and height(key)]


class Builder:
    """Nodes being filled, one a level; items come in key order."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.filling: list[list[Item]] = [[]]

    def push(self, level: int, item: Item) -> None:
        """The next item of a level: an entry, or a whole child node."""
        while len(self.filling) <= level:
            self.filling.append([])
        self.filling[level].append(item)
        if height(item.key) > level:
            self._end(level)

    def is_between_nodes(self, level: int) -> bool:
        """Whether a whole node of this level may follow: no node up to it is half filled."""
        return not any(self.filling[: level + 1])

    def finish(self) -> Ref:
        """End all nodes; the root is the lowest node that has everything below it."""
        level = 0
        while level < len(self.filling):
            on_top = level == len(self.filling) - 1
            if on_top and level > 0 and len(self.filling[level]) == 1:
                return self._lowest(self.filling[level][0])
            if self.filling[level]:
                self._end(level)
            elif on_top:
                return EMPTY
            level += 1
        raise AssertionError("a level above always holds what was ended below")

    def _end(self, level: int) -> None:
        child = self.nodes.append(level, self.filling[level])
        self.filling[level] = []
        self.push(level + 1, child)

    def _lowest(self, item: Item) -> Ref:
        """A key that ends many levels makes a chain of single children; the tree starts below it."""
        ref = Ref(item.value, item.hint)
        node = self.nodes.get_new(ref)
        while node.level and len(node.keys) == 1:
            ref = child_ref(node, 0)
            node = self.nodes.get_new(ref)
        return ref


def _walk(builder: Builder, nodes: Nodes, ref: Ref, edits: Sequence[Edit], moving: Sequence[bytes]) -> None:
    node = nodes.get(ref)
    items = node.items()
    if not node.level:
        for item in _edited(items, edits):
            builder.push(0, item)
        return
    start = 0
    for position, item in enumerate(items):
        is_last = position == len(items) - 1
        stop = len(edits) if is_last else bisect_right(edits, item.key, start, key=_key_of)
        some, child = edits[start:stop], child_ref(node, position)
        start = stop
        if not builder.is_between_nodes(node.level - 1):
            _walk(builder, nodes, child, some, moving)
        elif not some:
            builder.push(node.level, item)
        elif _ends_stay(item.key, node.level - 1, some, moving):
            builder.push(node.level, _in_place(nodes, child, some))
        else:
            _walk(builder, nodes, child, some, moving)


def _ends_stay(last: bytes, level: int, edits: Sequence[Edit], moving: Sequence[bytes]) -> bool:
    """Whether the nodes of a subtree, which ends at `last`, end with these edits where they end without them.

    At the end of the tree nodes end for want of keys: what is added there may belong into the last ones.
    """
    first = bisect_left(moving, edits[0][0])
    nothing_moves = first == len(moving) or moving[first] > edits[-1][0]
    return nothing_moves and edits[-1][0] <= last and height(last) > level


def _in_place(nodes: Nodes, ref: Ref, edits: Sequence[Edit]) -> Item:
    """A subtree with edits that move no end of a node, as its parent keeps it."""
    node = nodes.get(ref)
    changed: dict[int, Item] = {}
    start = 0
    for position, keys in split(node, [key for key, _ in edits]):
        some = edits[start : start + len(keys)]
        start += len(keys)
        if node.level:
            changed[position] = _in_place(nodes, child_ref(node, position), some)
            continue
        ((key, item),) = some[-1:]
        if len(some) > 1 or item is None or node.keys[position] != key:
            return nodes.append(0, _edited(node.items(), edits))
        changed[position] = item
    return nodes.append_alike(node, changed)


def _edited(items: Sequence[Item], edits: Sequence[Edit]) -> list[Item]:
    """One leaf's items with its edits."""
    changed = {item.key: item for item in items}
    for key, item in edits:
        if item is None:
            changed.pop(key, None)
        else:
            changed[key] = item
    return [changed[key] for key in sorted(changed)]


def _key_of(edit: Edit) -> bytes:
    return edit[0]
