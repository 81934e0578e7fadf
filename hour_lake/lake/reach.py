"""What commits reach: all commits before them, and the nodes, metadata blocks and objects of their trees."""

from collections.abc import Iterable

from hour_lake.lake.node import DIGEST_BYTES
from hour_lake.lake.nodes import EMPTY, Ref
from hour_lake.lake.publish import Store

NODES_AT_ONCE = 256


class Reach:
    """Everything reached so far; it only grows. A node is visited once, however many commits share it.

    At a million different objects it holds about 150 MB.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.commits: set[str] = set()
        self.nodes: dict[int, bytes] = {}  # rows, and what they hold by the word of whoever named them first
        self.blocks: set[int] = set()  # rows
        self.objects: set[bytes] = set()  # digests

    def mark(self, commit_ids: Iterable[str]) -> None:
        """Reach commits and all before them; STORE_CORRUPT where one cannot be read."""
        waiting = [commit_id for commit_id in commit_ids if commit_id not in self.commits]
        while waiting:
            commit_id = waiting.pop()
            if commit_id in self.commits:
                continue
            stored = self.store.commits.read(commit_id)
            self._mark_tree(stored.root)
            self.commits.add(commit_id)
            waiting += stored.commit.parents

    def _mark_tree(self, root: Ref) -> None:
        waiting = self._new([] if root == EMPTY else [root])
        while waiting:
            batch, waiting = waiting[-NODES_AT_ONCE:], waiting[:-NODES_AT_ONCE]
            for level, values, hints in self.store.nodes.links(batch):
                if level:
                    waiting += self._new(map(Ref, values, hints))
                else:
                    self.objects.update(value[:DIGEST_BYTES] for value in values)
                    self.blocks.update(hint >> 16 for hint in hints if hint)

    def _new(self, refs: Iterable[Ref]) -> list[Ref]:
        """A row that is named as something else is read again, and then found to be no such thing."""
        new = [ref for ref in refs if self.nodes.get(ref.row) != ref.digest]
        self.nodes.update((ref.row, ref.digest) for ref in new)
        return new
