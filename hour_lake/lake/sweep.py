"""Removing what nothing reaches: rows in slices, each one transaction; then files, each set aside and looked at again.

The order makes it safe to be killed anywhere: a commit goes before what it names, a row before the file it names, so
whatever is left over is named by nothing, and the next collection finds it.
"""

import json
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from hour_lake.lake.failpoints import reached
from hour_lake.lake.faults import storage_errors
from hour_lake.lake.folders import sync_folder
from hour_lake.lake.publish import Store

ROWS_AT_ONCE = 5_000
OBJECTS_AT_ONCE = 200
ROWS_LOOKED_AT = 50_000
ASIDE = "removing"  # beside `objects`


@dataclass(frozen=True)
class Amount:
    """How many, and their size."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.count + other.count, self.bytes + other.bytes)


Item = TypeVar("Item")
Table = Literal["node", "metadata"]
SIZE = {"node": "length(body) + length(hints)", "metadata": "length(body)"}


def sweep_rows(store: Store, table: Table, kept: Container[int], *, newest: int, dry_run: bool) -> Amount:
    """Remove rows up to the number `newest` that are not kept; younger ones are not looked at."""
    swept = Amount()
    for start in range(0, newest, ROWS_LOOKED_AT):
        rows = store.database.rows(
            f"SELECT id, {SIZE[table]} FROM {table} WHERE id > ? AND id <= ?",
            start,
            min(start + ROWS_LOOKED_AT, newest),
        )
        dead = [(row, size) for row, size in rows if row not in kept]
        swept += Amount(len(dead), sum(size for _, size in dead))
        if not dry_run:
            for some in sliced((row for row, _ in dead), ROWS_AT_ONCE):
                _delete(store, table, some)
    return swept


def _delete(store: Store, table: Table, rows: list[int]) -> None:
    with store.database.writing():
        store.database.change(f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))", json.dumps(rows))
        reached(f"gc.{table}_rows_removed")
    reached(f"gc.{table}_rows_committed")


class ObjectSweep:
    """Removes object files that were last touched before a moment (seconds, by the clock of the file system)."""

    def __init__(self, store: Store, *, before_seconds: float) -> None:
        self.store = store
        self.before_seconds = before_seconds
        self.aside = store.objects.folder.with_name(ASIDE)
        self.swept = Amount()
        self.young = Amount()

    def count(self, digests: Iterable[str]) -> None:
        """What `remove` would do."""
        for digest in digests:
            self._counted(self.store.objects.path(digest))

    def remove(self, digests: Iterable[str]) -> None:
        """Remove objects, a slice at a time with the write lock held: nobody publishes, so nobody misses one."""
        with storage_errors(self.aside):
            self.aside.mkdir(exist_ok=True)
            for some in sliced(digests, OBJECTS_AT_ONCE):
                with self.store.database.writing():
                    for digest in some:
                        self._remove(digest)

    def settle(self, kept: set[bytes]) -> None:
        """What a killed collection had set aside: back in its place if it is kept or young, else removed."""
        if not self.aside.is_dir():
            return
        with storage_errors(self.aside), self.store.database.writing():
            for file in self.aside.iterdir():
                if bytes.fromhex(file.name) in kept or self._is_young(file):
                    sync_folder(self.store.objects.adopt(file, file.name))
                else:
                    file.unlink()

    def _remove(self, digest: str) -> None:
        """Set aside first: whoever finds the object before has made it young, whoever looks after finds none."""
        path, aside = self.store.objects.path(digest), self.aside / digest
        if self._counted(path):
            reached("gc.object_chosen")
            path.rename(aside)
            reached("gc.object_aside")
            if self._is_young(aside):
                sync_folder(self.store.objects.adopt(aside, digest))
            else:
                aside.unlink()
            reached("gc.between_objects")

    def _counted(self, path: Path) -> bool:
        try:
            there = path.stat()
        except FileNotFoundError:
            return False
        amount = Amount(1, there.st_size)
        if there.st_mtime >= self.before_seconds:
            self.young += amount
            return False
        self.swept += amount
        return True

    def _is_young(self, file: Path) -> bool:
        return file.stat().st_mtime >= self.before_seconds


def sliced(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of at most `size`."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
