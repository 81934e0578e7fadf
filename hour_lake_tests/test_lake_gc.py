"""Collection against a plain model: what anything reaches is read back with its bytes, what nothing reaches goes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hour_lake.errors import LakeError
from hour_lake.lake import gc, publish, sweep
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.fsck import check
from hour_lake.lake.gc import collect
from hour_lake.lake.merge import merge
from hour_lake.lake.survey import survey
from hour_lake.lake.transaction import EmbeddedTransaction
from hour_lake_tests.lake_cases import commit, contents
from hour_lake_tests.sizes import size

SEQUENCES = size(500, night=10_000)
STEPS = 30
HOUR = 3600.0
UNLOCKED = ["gc.marked", "gc.before_lock", "gc.commits_committed", "gc.node_rows_committed",
            "gc.metadata_rows_committed", "gc.before_objects"]  # fmt: skip
POINTS = [*UNLOCKED, "gc.before_commits", "gc.commits_removed", "gc.node_rows_removed", "gc.metadata_rows_removed",
          "gc.object_chosen", "gc.object_aside", "gc.between_objects", "gc.objects_removed"]  # fmt: skip
NAMES = [f"branch{n}" for n in range(3)]
PATHS = st.builds("{}/{}".format, st.sampled_from("ab"), st.integers(0, 9))
DATA = st.integers(0, 30).map(lambda n: b"%d" % n)
CHANGES = st.dictionaries(PATHS, DATA | st.none(), min_size=1, max_size=8)
State = dict[str, bytes]


class Killed(BaseException):
    """As if the process had ended here."""


@contextmanager
def at_point(name: str, act: Callable[[], None]) -> Iterator[None]:
    """Do something when a collection comes by a named place for the first time."""
    passed: list[str] = []

    def come_by(point: str) -> None:
        if point == name and not passed:
            passed.append(point)
            act()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gc, "reached", come_by)
        patched.setattr(sweep, "reached", come_by)
        yield


def passed_by_files(folder: Path) -> float:
    """Now, once files are stamped later than that: they are by a clock that ticks every few milliseconds only.

    A collection takes its begin from a file's stamp, a commit is dated by the finer clock.
    """
    now_seconds, probe = time.time(), folder / "probe"
    probe.touch()
    while probe.stat().st_mtime <= now_seconds:
        os.utime(probe)
    return now_seconds


class Clock:
    """Stands in for the module `time`: years ahead, so that files can be told that are stamped by the real one."""

    def __init__(self) -> None:
        self.ahead_seconds = 1e9

    def time_ns(self) -> int:
        return time.time_ns() + int(self.ahead_seconds * 1e9)

    @property
    def now_seconds(self) -> float:
        return time.time() + self.ahead_seconds

    def asked_at(self, folder: Path) -> float:
        """Now, once files are stamped later: what is touched while a collection goes on must not seem older."""
        return passed_by_files(folder) + self.ahead_seconds

    def stamp(self, folder: Path) -> None:
        """Move stamps of the real clock to this one; those that are there already stay."""
        for file in [*folder.glob("objects/*/*"), *folder.glob("staging/*/*"), *folder.glob("removing/*")]:
            stamped = file.stat().st_mtime
            if stamped < time.time() + HOUR:
                os.utime(file, (stamped + self.ahead_seconds,) * 2)


class Open:
    """A transaction that somebody has open, and what it has staged."""

    def __init__(self, lake: EmbeddedLake, branch: str) -> None:
        self.branch = branch
        self.wanted: dict[str, bytes | None] = {}
        self.stack = ExitStack()
        self.transaction: EmbeddedTransaction = self.stack.enter_context(lake.transaction(branch, {}))

    def give_up(self) -> None:
        self.stack.__exit__(Killed, Killed(), None)


class CollectionMachine(RuleBasedStateMachine):
    """`states` is what each commit holds; `parents` where it comes from; `born` when it was made."""

    @initialize()
    def start(self) -> None:
        self.patched = pytest.MonkeyPatch()
        self.clock = Clock()
        self.patched.setattr(publish, "time", self.clock)
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.lake = EmbeddedLake.open(Path(self.folder.name) / "lake")
        root = self.lake.resolve("main")
        self.states: dict[str, State] = {root: {}}
        self.parents: dict[str, tuple[str, ...]] = {root: ()}
        self.born: dict[str, float] = {root: time.time()}
        self.heads, self.tags = {"main": root}, dict[str, str]()
        self.gone = set[str]()
        self.open: list[Open] = []
        self.pins: list[tuple[str, ExitStack]] = []
        self.collected = False

    def reachable(self, roots: Any) -> set[str]:
        found, waiting = set[str](), list(roots)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self.parents[one]
        return found

    def live(self) -> set[str]:
        return self.reachable([*self.heads.values(), *self.tags.values(), *(at for at, _ in self.pins)])

    def landed(self, branch: str, made: str, wanted: dict[str, bytes | None]) -> None:
        before = self.heads[branch]
        after = {path: data for path, data in {**self.states[before], **wanted}.items() if data is not None}
        assert (made == before) == (after == self.states[before])
        if made != before:
            self.states[made], self.parents[made], self.born[made] = after, (before,), self.clock.now_seconds
            self.heads[branch] = made

    @rule(branch=st.sampled_from(["main", *NAMES]), changes=CHANGES)
    def commit(self, branch: str, changes: dict[str, bytes | None]) -> None:
        if branch in self.heads:
            puts = {path: data for path, data in changes.items() if data is not None}
            made = commit(self.lake, puts, [path for path in changes if path not in puts], branch=branch)
            self.landed(branch, made, changes)

    @rule(name=st.sampled_from(NAMES), back=st.integers(0, 6))
    def branch(self, name: str, back: int) -> None:
        """From any commit that is still there, also one that nothing names."""
        if name not in self.heads:
            known = [c for c in self.states if c not in self.gone]
            source = known[-1 - back % len(known)]
            self.heads[name] = self.lake.create_branch(name, source)

    @rule(name=st.sampled_from(NAMES))
    def delete_branch(self, name: str) -> None:
        if name in self.heads and all(o.branch != name for o in self.open):
            self.lake.delete_branch(name)
            del self.heads[name]

    @rule(source=st.sampled_from(NAMES))
    def merge(self, source: str) -> None:
        """Into main; only where it is plain what comes of it."""
        if source in self.heads and self.heads["main"] in self.reachable([self.heads[source]]):
            before, taken = self.heads["main"], self.heads[source]
            made = self.lake.merge(source, "main")
            if made != before:
                self.states[made], self.parents[made] = self.states[taken], (before, taken)
                self.heads["main"], self.born[made] = made, self.clock.now_seconds

    @rule(branch=st.sampled_from(["main", *NAMES]), number=st.integers(0, 2))
    def tag(self, branch: str, number: int) -> None:
        if branch in self.heads and f"dataset/d/v{number}" not in self.tags:
            self.tags[f"dataset/d/v{number}"] = self.lake.tag(f"dataset/d/v{number}", branch)

    @precondition(lambda self: len(self.open) < 2)
    @rule(branch=st.sampled_from(["main", *NAMES]))
    def begin(self, branch: str) -> None:
        if branch in self.heads and all(o.branch != branch for o in self.open):
            self.open.append(Open(self.lake, branch))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 1), path=PATHS, data=DATA)
    def put(self, which: int, path: str, data: bytes) -> None:
        opened = self.open[which % len(self.open)]
        opened.transaction.put(path, data, {"length": str(len(data))})
        opened.wanted[path] = data

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 1))
    def move_in(self, which: int) -> None:
        """As far as `publish` comes before it takes the lock."""
        self.open[which % len(self.open)].transaction.staged.move_in()

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 1), land=st.booleans())
    def end(self, which: int, land: bool) -> None:
        opened = self.open.pop(which % len(self.open))
        if not land:
            opened.give_up()
            return
        base, head = self.states[opened.transaction.base.commit.id], self.states[self.heads[opened.branch]]
        clash = {p for p, data in opened.wanted.items() if head.get(p) not in (base.get(p), data)}
        try:
            opened.stack.close()
        except LakeError as error:
            assert error.code == "CONFLICT" and clash
        else:
            assert not clash
            self.landed(opened.branch, opened.transaction.commit_id, opened.wanted)

    @rule(changes=CHANGES, unique=st.integers(0, 9), pinned=st.booleans())
    def drop_an_experiment(self, changes: dict[str, bytes | None], unique: int, pinned: bool) -> None:
        """A branch that comes and goes: its commit is garbage, unless a reader or a transaction was quicker."""
        if len(self.open) == 2:
            return
        self.heads["drop"] = self.lake.create_branch("drop", "main")
        self.commit("drop", {**changes, "dropped": b"dropped %d" % unique})
        if pinned and len(self.pins) < 2:
            self.pin(0)
        self.lake.delete_branch("drop")
        del self.heads["drop"]
        self.begin("main")

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 1), number=st.integers(0, 9))
    def put_what_was_dropped(self, which: int, number: int) -> None:
        self.put(which, "again", b"dropped %d" % number)

    @precondition(lambda self: len(self.pins) < 2)
    @rule(back=st.integers(0, 2))
    def pin(self, back: int) -> None:
        known = [c for c in self.states if c not in self.gone]
        stack = ExitStack()
        self.pins.append((stack.enter_context(self.lake.pinned(known[-1 - back % len(known)])), stack))

    @precondition(lambda self: self.pins)
    @rule()
    def unpin(self) -> None:
        self.pins.pop(0)[1].close()

    @rule(hours=st.sampled_from([1, 5, 30]))
    def time_passes(self, hours: int) -> None:
        self.clock.stamp(self.lake.folder)
        self.clock.ahead_seconds += hours * HOUR

    @rule(hours=st.sampled_from([0, 2, 24]))
    def collect(self, hours: float) -> None:
        """All that is dead and old is gone, all that is dead and young is kept with what it reaches."""
        self.clock.stamp(self.lake.folder)
        now, nothing_open = self.clock.asked_at(self.lake.folder), not self.open
        asked = {"grace_seconds": hours * HOUR, "now_seconds": now}
        kept = self.reachable([*self.live(), *(c for c in self.there() if self.born[c] >= now - hours * HOUR)])
        counted = collect(self.lake, **asked)
        collected = collect(self.lake, **asked, dry_run=False)
        assert (counted.commits, counted.nodes, counted.metadata) == (
            collected.commits, collected.nodes, collected.metadata)  # fmt: skip
        assert counted.objects == collected.objects
        if nothing_open:
            assert self.there() == kept
            self.exact(kept, now - hours * HOUR)
        assert kept <= self.there()
        again = collect(self.lake, **asked, dry_run=False)
        assert (again.commits.count, again.nodes.count, again.metadata.count, again.objects.count) == (0, 0, 0, 0)
        self.notice_gone()

    def exact(self, kept: set[str], before: float) -> None:
        """Objects: those of the kept commits, and young ones."""
        objects = self.lake.store.objects
        used = {entry.digest for commit_id in kept for entry in self.lake.entries(commit_id)}
        old = {d for d in objects.digests() if objects.path(d).stat().st_mtime < before}
        assert used <= set(objects.digests()) and old <= used
        found = survey(self.lake.store)
        rows = [self.lake.store.database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("node", "metadata")]
        assert rows == [len(found.nodes), len(found.blocks)]

    def there(self) -> set[str]:
        return {i for (i,) in self.lake.store.database.rows("SELECT id FROM commits")}

    def notice_gone(self) -> None:
        self.collected = True
        there = self.there()
        assert self.live() <= there
        self.gone = set(self.states) - there

    @rule(point=st.sampled_from(POINTS), hours=st.sampled_from([0, 2]))
    def killed_collection(self, point: str, hours: int) -> None:
        def kill() -> None:
            raise Killed

        self.clock.stamp(self.lake.folder)
        with at_point(point, kill), suppress(Killed):
            collect(
                self.lake, grace_seconds=hours * HOUR, dry_run=False, now_seconds=self.clock.asked_at(self.lake.folder)
            )
        self.notice_gone()

    @rule(point=st.sampled_from(UNLOCKED), hours=st.sampled_from([0, 2]), what=st.sampled_from("bcpt"),
          changes=CHANGES, name=st.sampled_from(NAMES), back=st.integers(0, 6))  # fmt: skip
    def collection_beside_others(
        self, point: str, hours: int, what: str, changes: dict[str, bytes | None], name: str, back: int
    ) -> None:
        """Others branch off, commit, pin or write transactions while a collection is on its way."""

        def meanwhile() -> None:
            self.gone = set(self.states) - self.there()
            if what == "b":
                self.branch(name, back)
            elif what == "c":
                self.commit("main", changes)
            elif what == "p" and len(self.pins) < 2:
                self.pin(back)
            elif self.open:
                self.put_what_was_dropped(0, back)
            self.clock.stamp(self.lake.folder)

        self.clock.stamp(self.lake.folder)
        with at_point(point, meanwhile):
            collect(
                self.lake, grace_seconds=hours * HOUR, dry_run=False, now_seconds=self.clock.asked_at(self.lake.folder)
            )
        self.notice_gone()

    @invariant()
    def what_is_reached_is_read_back(self) -> None:
        if not hasattr(self, "lake") or not self.collected:
            return
        self.collected = False
        assert dict(self.lake.branches()) == self.heads and dict(self.lake.tags()) == self.tags
        fresh = EmbeddedLake.open(self.lake.folder)  # no cache hides a hole
        for commit_id in self.live():
            assert contents(fresh, commit_id) == self.states[commit_id]
        fresh.store.database.close()

    def teardown(self) -> None:
        if hasattr(self, "lake"):
            for opened in self.open:
                opened.give_up()
            for _, stack in self.pins:
                stack.close()
            self.lake.store.database.close()
            self.folder.cleanup()
            self.patched.undo()


CollectionMachine.TestCase.settings = settings(
    max_examples=SEQUENCES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCollection = CollectionMachine.TestCase


@pytest.fixture
def lake(tmp_path: Path) -> EmbeddedLake:
    """Main, and what a dropped branch has left behind."""
    lake = EmbeddedLake.open(tmp_path / "lake")
    commit(lake, {f"kept/{n}": b"kept %d" % n for n in range(30)})
    lake.create_branch("drop", "main")
    commit(lake, {f"dropped/{n}": b"dropped %d" % n for n in range(30)}, branch="drop")
    return lake


def test_nothing_is_removed_unless_asked_and_nothing_young(lake: EmbeddedLake) -> None:
    dropped = lake.resolve("drop")
    lake.delete_branch("drop")
    found = collect(lake, grace_seconds=0, now_seconds=time.time() + 1)
    assert found.dry_run and (found.commits.count, found.objects.count) == (1, 30)
    assert found.nodes.count > 0 and found.metadata.count > 0 and found.objects.bytes > 200
    young = collect(lake, dry_run=False)
    assert (young.commits.count, young.objects.count, young.young_commits) == (0, 0, 1)
    assert len(contents(lake, dropped)) == 60
    removed = collect(lake, grace_seconds=0, dry_run=False, now_seconds=time.time() + 1)
    assert (removed.commits, removed.nodes, removed.metadata, removed.objects) == (
        found.commits, found.nodes, found.metadata, found.objects)  # fmt: skip
    with pytest.raises(LakeError, match="REF_NOT_FOUND"):
        lake.resolve(dropped)
    with pytest.raises(LakeError, match="REF_NOT_FOUND"):
        EmbeddedLake.open(lake.folder).merge(dropped, "main")
    assert len(contents(lake, "main")) == 30
    assert check(lake).problems == ()


def test_a_merge_of_what_is_collected_meanwhile_is_refused(lake: EmbeddedLake) -> None:
    """The source was found before the collection; what is remembered of it must not be published."""
    dropped, head = lake.resolve("drop"), lake.resolve("main")
    contents(lake, dropped)  # all of it is remembered now
    lake.delete_branch("drop")
    collect(EmbeddedLake.open(lake.folder), grace_seconds=0, dry_run=False, now_seconds=time.time() + 1)
    intent = publish.Intent("main", {}, "late", "attempt", None)
    with pytest.raises(LakeError, match="REF_NOT_FOUND"):
        merge(lake.store, dropped, intent)
    assert lake.resolve("main") == head


def test_a_reader_in_another_process_holds_its_commit_until_it_dies(lake: EmbeddedLake) -> None:
    code = f"""
import time
from hour_lake.lake.open import open_lake
with open_lake({str(lake.folder)!r}).pinned("drop") as commit_id:
    print(commit_id, flush=True)
    time.sleep(600)
"""
    reader = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert reader.stdout is not None
        pinned = reader.stdout.readline().strip()
        lake.delete_branch("drop")
        later = {"grace_seconds": 0, "dry_run": False, "now_seconds": time.time() + 100}
        assert collect(lake, **later).commits.count == 0
        assert len(contents(lake, pinned)) == 60
    finally:
        reader.kill()
        reader.wait()
    collected = collect(lake, **later)
    assert (collected.commits.count, collected.dead_pins) == (1, 1)
    assert list(lake.pins.commits()) == []


def test_a_collection_is_refused_beside_another_and_with_a_clock_that_was_set(
    lake: EmbeddedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.delete_branch("drop")
    later = {"grace_seconds": 0, "dry_run": False, "now_seconds": time.time() + 1}

    def second() -> None:
        with pytest.raises(LakeError, match="GC_REFUSED"):
            collect(lake, **later)

    with at_point("gc.before_objects", second):
        assert collect(lake, **later).commits.count == 1
    commit(lake, {"kept/0": b"new"})
    real = time.monotonic
    steady = iter([0.0, gc.SHORTEST_PATIENCE_SECONDS + 1.0, 0.0, -100.0])
    monkeypatch.setattr(gc.time, "monotonic", lambda: next(steady, real()))
    for _ in ("the mark took too long", "the clock was set"):
        with pytest.raises(LakeError, match="GC_REFUSED"):
            collect(lake, **later)
    monkeypatch.undo()
    assert collect(lake, **later).objects.count == 0
    assert len(contents(lake, "main")) == 30


def test_an_object_reused_while_it_is_being_removed_stays(lake: EmbeddedLake) -> None:
    lake.delete_branch("drop")
    opened = ExitStack()
    transactions: list[EmbeddedTransaction] = []

    def reuse() -> None:
        transactions.append(opened.enter_context(lake.transaction("main", {})))
        for n in range(30):
            transactions[0].put(f"again/{n}", b"dropped %d" % n)

    passed_by_files(lake.folder)  # else the commit dropped could seem made since the collection began
    with at_point("gc.object_chosen", reuse):
        collected = collect(lake, grace_seconds=0, dry_run=False)
    opened.close()
    assert collected.commits.count == 1
    assert len(contents(lake, "main", "again/")) == 30
    assert list((lake.folder / "removing").iterdir()) == []


def test_a_damaged_lake_is_not_collected(lake: EmbeddedLake) -> None:
    lake.delete_branch("drop")
    lake.store.database.rows("UPDATE node SET body = x'00' WHERE id = (SELECT root FROM commits WHERE seq = 2)")
    with pytest.raises(LakeError, match="STORE_CORRUPT"):
        collect(EmbeddedLake.open(lake.folder), grace_seconds=0, dry_run=False, now_seconds=time.time() + 1)
    assert len(list(lake.store.objects.digests())) == 60


@pytest.mark.parametrize("point", POINTS)
def test_a_collection_killed_anywhere_is_finished_by_the_next(lake: EmbeddedLake, point: str) -> None:
    """The process really dies; the lake is whole, and the next collection leaves nothing of the garbage."""
    lake.delete_branch("drop")
    code = f"""
import time
from hour_lake.lake.gc import collect
from hour_lake.lake.open import open_lake
collect(open_lake({str(lake.folder)!r}), grace_seconds=0, dry_run=False, now_seconds=time.time() + 1)
"""
    environment = {**os.environ, "HOUR_LAKE_FAILPOINT": f"{point}:kill"}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    after = EmbeddedLake.open(lake.folder)
    assert check(after).problems == ()
    collect(after, grace_seconds=0, dry_run=False, now_seconds=time.time() + 1)
    assert len(list(after.store.objects.digests())) == 30
    assert list((after.folder / "removing").iterdir()) == []
    assert collect(after, grace_seconds=0, now_seconds=time.time() + 1).nodes.count == 0
    assert len(contents(after, "main")) == 30
