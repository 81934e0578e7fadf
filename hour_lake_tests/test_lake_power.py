"""The power goes at any moment: what is left on the disk is a lake that has everything that was acknowledged."""

import os
import random
import shutil
from pathlib import Path

import pytest

from hour_lake.lake.embedded import DATABASE, EmbeddedLake
from hour_lake.lake.fsck import check
from hour_lake_tests.lake_actors import everything, leave_behind
from hour_lake_tests.lake_cases import commit
from hour_lake_tests.lake_oracle import Oracle
from hour_lake_tests.lake_power import Disk, Recorder
from hour_lake_tests.sizes import size

CUTS = size(80, night=5000)


def test_the_database_syncs_every_commit(tmp_path: Path) -> None:
    lake = EmbeddedLake.open(tmp_path / "lake")
    assert lake.store.database.rows("PRAGMA synchronous") == [(2,)]  # FULL
    assert lake.store.database.rows("PRAGMA journal_mode") == [("wal",)]


@pytest.mark.slow
def test_a_power_cut_loses_nothing_that_was_acknowledged(scratch: Path) -> None:
    """The cuts are those right after each database commit, since it names objects, and others at random."""
    root, chosen = scratch / "disk", random.Random(3)
    root.mkdir()
    recorder = Recorder(root)
    with recorder.recording():
        everything(root / "lakes" / "lake", recorder.acknowledged)
    steps = recorder.steps
    commits = [n for n, (operation, _) in enumerate(steps) if operation.data == b"COMMIT"]
    told = [n for n, (operation, _) in enumerate(steps) if operation.kind == "told"]
    cuts = {*chosen.sample(range(len(steps)), min(CUTS, len(steps))), *commits, *told[:1]}
    disk, oracle, checked = Disk(root), Oracle(), 0
    for number, (operation, synced) in enumerate(steps):
        if operation.kind == "told":
            oracle.note(operation.path)
        else:
            disk.do(operation, synced)
        if number in cuts:
            for luck in (None, chosen):
                checked += assert_holds(disk, scratch / "image", luck, oracle, number >= told[0])
    print(f"{len(steps)} operations, {len(commits)} commits, {len(cuts)} power cuts, {checked} lakes checked")
    assert checked > len(cuts)


def test_what_a_check_takes_back_is_durable_before_it_is_in_its_place(tmp_path: Path) -> None:
    lake = EmbeddedLake.open(tmp_path / "lake")
    made = commit(lake, {"one": b"1"})
    (entry,) = lake.entries(made)
    file, dead = lake.local_file(made, entry), lake.staging.folder / "dead"
    leave_behind(dead)
    (dead / "written").write_bytes(file.read_bytes())
    os.utime(dead, (0, 0))
    file.unlink()
    recorder = Recorder(lake.folder)
    with recorder.recording():
        check(lake, repair=True)
    done = [(operation.kind, Path(operation.path).name) for operation, _ in recorder.steps]
    assert done.index(("fsync", "written")) < done.index(("replace", "written"))
    assert done.index(("replace", "written")) < done.index(("fsync", file.parent.name))
    assert lake.read("main", "one") == b"1"


def assert_holds(disk: Disk, image: Path, luck: random.Random | None, oracle: Oracle, was_told: bool) -> bool:
    """The lake on what is left, if there is one yet: nothing acknowledged is lost, and it goes on."""
    disk.image(image, luck)
    folder = image / "lakes" / "lake"
    assert (folder / DATABASE).exists() or not was_told
    if there := (folder / DATABASE).exists():
        lake = EmbeddedLake.open(folder)
        oracle.check_all(lake)
        commit(lake, {"after/all": b"1", "after/that": b"2"}, metadata={"turn": "after"})
        lake.store.database.close()
    shutil.rmtree(image)
    return there
