"""Which paths, commits, refs and datasets a damaged node, metadata block or object concerns."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Literal, NamedTuple

from hour_lake.lake.entries import METADATA_AT
from hour_lake.lake.node import DIGEST_BYTES, Node
from hour_lake.lake.nodes import EMPTY, Nodes, Ref
from hour_lake.lake.publish import Store
from hour_lake.lake.survey import Survey
from hour_lake.lake.tree import child_ref

DATASET = re.compile(r"dataset/(.+)/(v[0-9]+)")


class Piece(NamedTuple):
    """Something damaged: a node, a row of `metadata`, or the digest of an object."""

    kind: Literal["node", "metadata", "object"]
    key: int | bytes | Ref


class Concerned(NamedTuple):
    """What one damaged piece concerns."""

    paths: tuple[str, ...]
    commits: tuple[str, ...]
    refs: tuple[str, ...]
    datasets: tuple[str, ...]


class Damage:
    """Traces damaged pieces up to what names them; trees are walked only when something is damaged."""

    def __init__(self, store: Store, survey: Survey, bad_objects: set[bytes], refs: Mapping[str, str]) -> None:
        self.nodes = Nodes(store.database)
        self.survey = survey
        self.bad_objects = bad_objects
        self.refs = refs
        self.paths: dict[Piece, set[str]] = defaultdict(set)
        self.below: dict[Ref, frozenset[Piece]] = {}
        is_damaged = bool(bad_objects or survey.bad_nodes or survey.bad_texts)
        self.of_commit = {
            seen.id: self._under(seen.root, "") if is_damaged else frozenset[Piece]()
            for seen in survey.commits.values()
        }

    def concerned(self, piece: Piece) -> Concerned:
        """Who is concerned. Of a damaged node only the last path below it is known."""
        commits = {commit_id for commit_id, pieces in self.of_commit.items() if piece in pieces}
        refs = sorted(name for name, commit_id in self.refs.items() if commit_id in commits)
        return Concerned(tuple(sorted(self.paths[piece])), tuple(sorted(commits)), tuple(refs), self._datasets(commits))

    def whole(self, name: str) -> bool:
        """Whether everything of a ref's own commit can be read."""
        return self.of_commit.get(self.refs[name]) == frozenset()

    def _datasets(self, commits: set[str]) -> tuple[str, ...]:
        """Versions whose own commit, or the commit that their files come from, is concerned."""
        concerned: list[str] = []
        for name, commit_id in self.refs.items():
            found = DATASET.fullmatch(name)
            seen = self.survey.commits.get(commit_id)
            source = seen.metadata.get("source_commit") if seen else None
            if found and (commit_id in commits or source in commits):
                concerned.append(f"{found[1]}@{found[2]}")
        return tuple(sorted(concerned))

    def _under(self, ref: Ref, last: str) -> frozenset[Piece]:
        """Damaged pieces in the tree of a node, which ends with the path `last`."""
        if ref == EMPTY:
            return frozenset()
        if ref in self.survey.bad_nodes:
            piece = Piece("node", ref)
            self.paths[piece].add(f"... {last}")
            return frozenset({piece})
        if ref not in self.below:
            node = self.nodes.get_new(ref)
            self.below[ref] = self._in_inner(node) if node.level else self._in_leaf(node)
        return self.below[ref]

    def _in_inner(self, node: Node) -> frozenset[Piece]:
        children = range(len(node.keys))
        return frozenset[Piece]().union(*(self._under(child_ref(node, n), node.keys[n].decode()) for n in children))

    def _in_leaf(self, node: Node) -> frozenset[Piece]:
        found: set[Piece] = set()
        for key, value, hint in node.items():
            named = [Piece("object", value[:DIGEST_BYTES])] if value[:DIGEST_BYTES] in self.bad_objects else []
            if (hint, value[METADATA_AT:]) in self.survey.bad_texts:
                named.append(Piece("metadata", hint >> 16))
            for piece in named:
                self.paths[piece].add(key.decode())
            found.update(named)
        return frozenset(found)
