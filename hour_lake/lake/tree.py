"""Reading the tree: one key, several keys, or a range of keys in order; the cost follows what is asked for."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice

from hour_lake.lake.node import Item, Node
from hour_lake.lake.nodes import EMPTY, Nodes, Ref

LEAVES_AT_ONCE = 64


def find(nodes: Nodes, root: Ref, keys: Sequence[bytes]) -> dict[bytes, Item]:
    """The items of those `keys` (ascending) that are there; the nodes of a level are read in one go."""
    found: dict[bytes, Item] = {}
    wanted = [(root, keys)] if root != EMPTY and keys else []
    while wanted:
        below: list[tuple[Ref, Sequence[bytes]]] = []
        for node, (_, some) in zip(nodes.get_many([ref for ref, _ in wanted]), wanted, strict=True):
            for child, asked in split(node, some):
                if child == len(node.keys):
                    continue  # beyond the last key
                if node.level:
                    below.append((child_ref(node, child), asked))
                elif node.keys[child] == asked[-1]:
                    found[asked[-1]] = Item(asked[-1], node.values[child], node.hints[child])
        wanted = below
    return found


def split(node: Node, keys: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Ascending keys by the position in the node that they belong to: the first one whose key is not smaller."""
    start = 0
    while start < len(keys):
        position = bisect_left(node.keys, keys[start])
        stop = len(keys)
        if position < len(node.keys):
            stop = bisect_left(keys, node.keys[position], start)
            stop += stop < len(keys) and keys[stop] == node.keys[position]
        yield position, keys[start:stop]
        start = stop


def scan(nodes: Nodes, root: Ref, prefix: bytes) -> Iterator[Item]:
    """Items whose keys start with `prefix`, in key order."""
    if root == EMPTY:
        return
    leaves = _leaves(nodes, root, prefix)
    while batch := list(islice(leaves, LEAVES_AT_ONCE)):
        for leaf in nodes.get_many(batch):
            yield from (item for item in leaf.items() if item.key.startswith(prefix))


def _leaves(nodes: Nodes, ref: Ref, prefix: bytes) -> Iterator[Ref]:
    """Leaves that may hold keys with this prefix."""
    node = nodes.get(ref)
    if not node.level:
        yield ref
        return
    for position in overlapping(node, prefix):
        child = child_ref(node, position)
        if node.level == 1:
            yield child
        else:
            yield from _leaves(nodes, child, prefix)


def overlapping(node: Node, prefix: bytes) -> range:
    """Positions of the children whose range of keys can hold one that starts with `prefix`.

    A child covers (last key of the one before, its own last key]. From the first whose last key is not below the prefix
    to the first whose last key is beyond every key that starts with it.
    """
    first = bisect_left(node.keys, prefix)
    last = first
    while last < len(node.keys) and node.keys[last].startswith(prefix):
        last += 1
    return range(first, min(last + 1, len(node.keys)))


def child_ref(node: Node, position: int) -> Ref:
    """The child at a position of an inner node."""
    return Ref(node.values[position], node.hints[position])
