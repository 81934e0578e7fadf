"""Garbage collection: what no branch, tag, young commit, open transaction or pinned reader reaches is removed.

    mark     branches, tags, pins and young commits, and all that they reach (nobody waits for this)
    commits  gate of the pins closed, write lock held: mark what has come since, remove the commits not reached
    rows     nodes and metadata that were there before the mark and are not reached
    files    objects not reached that nobody has touched since the grace period or the oldest open transaction began

Once a commit is removed nobody can name it again, so nothing that only it reached can come back. Objects can: by their
bytes. Whoever stores bytes that are there touches the object, so it is too young to be removed.
"""

import fcntl
import json
import os
import time
from collections.abc import Container, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.failpoints import reached
from hour_lake.lake.faults import storage_errors
from hour_lake.lake.reach import Reach
from hour_lake.lake.sweep import Amount, ObjectSweep, Table, sweep_rows

GRACE_SECONDS = 24 * 3600.0
SHORTEST_PATIENCE_SECONDS = 3600.0  # what a mark may take when the grace period is shorter
CLOCK_SLACK_SECONDS = 10.0
LOCK = "gc.lock"
COMMITS_AT_ONCE = 1000
LISTED = "SELECT value FROM json_each(?)"


@dataclass(frozen=True)
class Collected:
    """What was removed, or could be when `dry_run` says that nothing was touched."""

    dry_run: bool
    commits: Amount
    nodes: Amount
    metadata: Amount  # blocks
    objects: Amount
    young_objects: Amount  # reached by nothing, kept because of their age or of an open transaction
    young_commits: int  # the same of commits; each keeps all that it reaches
    staging_folders: int  # leftovers of killed writers
    dead_pins: int
    free_bytes: int  # in the database, used by the next commits before it grows


def collect(
    lake: EmbeddedLake, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = True, now_seconds: float | None = None
) -> Collected:
    """Remove what nothing reaches and is older than the grace period; a dry run only counts.

    A branch or a tag reaches its commit and all commits before it, so history is kept. GC_REFUSED when another
    collection runs, the mark took longer than the grace period, or the clock was set meanwhile; STORE_CORRUPT when not
    all can be read that says what is in use. Ages are counted back from `now_seconds`, if given.
    """
    if grace_seconds < 0:
        raise ValueError(f"a grace period has no negative length: {grace_seconds}")
    with _alone(lake) as started_seconds:
        collection = _Collection(lake, now_seconds or started_seconds, grace_seconds)
        return collection.count() if dry_run else collection.run()


@contextmanager
def _alone(lake: EmbeddedLake) -> Generator[float]:
    """One collection at a time; gives its begin by the clock that stamps the objects."""
    with storage_errors(lake.folder):
        descriptor = os.open(lake.folder / LOCK, os.O_CREAT | os.O_RDWR)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LakeError("GC_REFUSED", "another collection is running", where=str(lake.folder),
                            fix="wait for it") from None  # fmt: skip
        os.utime(descriptor)
        yield os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)


class _Collection:
    def __init__(self, lake: EmbeddedLake, now_seconds: float, grace_seconds: float) -> None:
        self.lake, self.store, self.grace_seconds = lake, lake.store, grace_seconds
        self.began = time.time(), time.monotonic()
        # Asked before any ref is read: a transaction that ends in between has published what it touched.
        oldest_seconds = lake.staging.oldest_open_seconds()
        self.before_seconds = min(now_seconds - grace_seconds, oldest_seconds or now_seconds)
        self.newest_rows: dict[Table, int] = {"node": self._newest("node"), "metadata": self._newest("metadata")}
        self.reach = Reach(self.store)
        self.newest_commit = self.young_commits = 0

    def count(self) -> Collected:
        """What `run` would remove."""
        self._mark()
        commits, (nodes, metadata) = self._amount(self._unreached()), self._rows(dry_run=True)
        objects = ObjectSweep(self.store, before_seconds=self.before_seconds)
        objects.count(self._objects())
        staging, pins = len(list(self.lake.staging.dead())), len(self.lake.pins.dead())
        return Collected(True, commits, nodes, metadata, objects.swept, objects.young, self.young_commits, staging,
                         pins, self._free_bytes())  # fmt: skip

    def run(self) -> Collected:
        """Mark and remove."""
        staging, pins = self.lake.staging.sweep(), self.lake.pins.sweep()
        self._mark()
        reached("gc.marked")
        self._mark()  # what came while the first mark took its time, so that the lock is held for little
        self._check_clock()
        reached("gc.before_lock")
        commits = self._remove_commits()
        reached("gc.commits_committed")
        nodes, metadata = self._rows(dry_run=False)
        objects = ObjectSweep(self.store, before_seconds=self.before_seconds)
        objects.settle(self.reach.objects)
        reached("gc.before_objects")
        objects.remove(self._objects())
        reached("gc.objects_removed")
        return Collected(False, commits, nodes, metadata, objects.swept, objects.young, self.young_commits, staging,
                         pins, self._free_bytes())  # fmt: skip

    def _mark(self) -> None:
        """Reach what is in use now; of commits that nothing names the young ones, and all that have come since."""
        names = [*self.store.refs.all("branch").values(), *self.store.refs.all("tag").values()]
        self.reach.mark([*names, *self.lake.pins.commits()])
        since = self.newest_commit
        while commits := self.store.commits.after(self.newest_commit, COMMITS_AT_ONCE):
            for stored in commits:
                young = since or stored.commit.created_ms >= self.before_seconds * 1000
                if young and stored.commit.id not in self.reach.commits:
                    self.young_commits += 1
                    self.reach.mark([stored.commit.id])
            self.newest_commit = commits[-1].seq

    def _remove_commits(self) -> Amount:
        with self.lake.pins.closed(), self.store.database.writing():
            self._mark()
            reached("gc.before_commits")
            dead = self._unreached()
            amount = self._amount(dead)
            self.store.database.change(f"DELETE FROM commits WHERE id IN ({LISTED})", json.dumps(dead))
            reached("gc.commits_removed")
        return amount

    def _rows(self, *, dry_run: bool) -> tuple[Amount, Amount]:
        """Nodes and blocks of metadata that are not reached."""
        kept: tuple[tuple[Table, Container[int]], ...] = (("node", self.reach.nodes), ("metadata", self.reach.blocks))
        nodes, metadata = (
            sweep_rows(self.store, table, rows, newest=self.newest_rows[table], dry_run=dry_run) for table, rows in kept
        )
        return nodes, metadata

    def _unreached(self) -> list[str]:
        rows = self.store.database.rows("SELECT id FROM commits")
        return [commit_id for (commit_id,) in rows if commit_id not in self.reach.commits]

    def _amount(self, commit_ids: list[str]) -> Amount:
        statement = f"SELECT count(*), coalesce(sum(length(body)), 0) FROM commits WHERE id IN ({LISTED})"
        return Amount(*self.store.database.rows(statement, json.dumps(commit_ids))[0])

    def _objects(self) -> Iterator[str]:
        return (d for d in self.store.objects.digests() if bytes.fromhex(d) not in self.reach.objects)

    def _newest(self, table: Table) -> int:
        return self.store.database.rows(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]

    def _free_bytes(self) -> int:
        ((pages,),) = self.store.database.rows("PRAGMA freelist_count")
        ((page_bytes,),) = self.store.database.rows("PRAGMA page_size")
        return pages * page_bytes

    def _check_clock(self) -> None:
        """Ages mean nothing when the clock was set; a mark that takes that long is better made with more grace."""
        wall_seconds, steady_seconds = time.time() - self.began[0], time.monotonic() - self.began[1]
        if abs(wall_seconds - steady_seconds) > CLOCK_SLACK_SECONDS:
            raise LakeError("GC_REFUSED", "the clock was set during the collection", where=str(self.lake.folder),
                            value=f"{wall_seconds - steady_seconds:+.0f} s", fix="run it again")  # fmt: skip
        if steady_seconds > max(self.grace_seconds, SHORTEST_PATIENCE_SECONDS):
            raise LakeError("GC_REFUSED", "finding what is in use took longer than the grace period",
                            value=f"{steady_seconds:.0f} s", where=str(self.lake.folder),
                            fix="run it again with a longer grace period")  # fmt: skip
