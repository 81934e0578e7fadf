"""Committed states: paths and their records, kept as commits of an embedded lake whose entries hold only metadata."""

import os
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Generic, NamedTuple, TypeVar

from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.interface import Change, Entry
from hour_lake_tests.lakefs_server.errors import invalid
from hour_lake_tests.lakefs_server.records import Record, from_text

T = TypeVar("T")
ANSWERS = 16
ONE_BY_ONE = 20  # paths: beyond, reading all that lie between them costs less
NAMES_ONLY = b""  # an entry of ours holds no bytes: they lie in the object store


class Difference(NamedTuple):
    """A path that differs between two trees."""

    path: str
    before: Record | None
    after: Record | None


class Trees:
    """Trees by the ids of the lake's commits; each stays reachable from a branch of the lake of its own."""

    def __init__(self, lake: EmbeddedLake) -> None:
        self.lake = lake
        self._listings = Remembered[list[tuple[str, Record]]]()
        self._changes = Remembered[list[Difference]]()

    def empty(self) -> str:
        """The tree that a new lake begins with."""
        return self.lake.resolve("main")

    def write(self, tree: str, edits: Mapping[str, Record | None]) -> str:
        """A tree with some paths replaced or (None) removed; the same tree when nothing changes; 400 for bad paths."""
        branch = f"tree-{uuid.uuid4().hex}"
        self.lake.create_branch(branch, tree)
        try:
            with self.lake.transaction(branch, {}) as transaction:
                for path, record in edits.items():
                    if record is None:
                        transaction.delete(path)
                    else:
                        transaction.put(path, NAMES_ONLY, {"record": record.as_text()})
        except LakeError as error:
            if error.code != "PATH_INVALID":
                raise
            raise invalid(f"argument path: {error}") from error
        return transaction.commit_id

    def get(self, tree: str, path: str) -> Record | None:
        """One record, or None."""
        entry = self.lake.entry(tree, path)
        return _record(entry) if entry else None

    def under(self, tree: str, prefix: str) -> list[tuple[str, Record]]:
        """Paths below a prefix with their records, in path order."""
        return self._listings.get(
            (tree, prefix), lambda: [(entry.path, _record(entry)) for entry in self.lake.entries(tree, prefix)]
        )

    def get_many(self, tree: str, paths: Collection[str]) -> Mapping[str, Record | None]:
        """The record under each path, or None."""
        if len(paths) <= ONE_BY_ONE:
            return {path: self.get(tree, path) for path in paths}
        there = dict(self.under(tree, os.path.commonprefix(list(paths))))
        return {path: there.get(path) for path in paths}

    def changes(self, before: str, after: str, prefix: str = "") -> list[Difference]:
        """What differs between two trees, in path order."""
        return self._changes.get(
            (before, after, prefix), lambda: [_difference(change) for change in self.lake.diff(before, after, prefix)]
        )


class Remembered(Generic[T]):
    """The last few answers about trees, which never change: a client asks for one page after the other."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, ...], T] = OrderedDict()

    def get(self, about: tuple[str, ...], find: Callable[[], T]) -> T:
        """The answer, found now or before."""
        if about not in self._answers:
            self._answers[about] = find()
            if len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)
        self._answers.move_to_end(about)
        return self._answers[about]


def _difference(change: Change) -> Difference:
    old, new = (side and _record(side) for side in (change.before, change.after))
    return Difference(change.path, old, new)


def _record(entry: Entry) -> Record:
    return from_text(entry.metadata["record"])
