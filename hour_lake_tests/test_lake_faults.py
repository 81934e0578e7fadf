"""When the disk, the file or the moment is wrong: a clear code, nothing lost, and it goes on afterwards."""

import os
import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hour_lake.errors import LakeError
from hour_lake.lake.database import FORMAT, Database
from hour_lake.lake.embedded import DATABASE, EmbeddedLake
from hour_lake.lake.filesystem import check_file_system, file_system_of
from hour_lake.lake.objects import Objects
from hour_lake.lake.open import open_lake
from hour_lake_tests.lake_cases import commit, contents


@pytest.fixture
def lake(tmp_path: Path) -> EmbeddedLake:
    lake = EmbeddedLake.open(tmp_path / "lake")
    commit(lake, {f"good/{n}": b"good %d" % n for n in range(4)})
    return lake


@contextmanager
def files_limited_to(size_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond a size: what a full disk is like, without filling one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_flipped_byte_is_noticed_and_mended_by_writing_again(lake: EmbeddedLake) -> None:
    entry = lake.entry("main", "good/2")
    assert entry is not None
    file = lake.local_file("main", entry)
    file.chmod(0o644)
    file.write_bytes(b"gooD 2")
    with pytest.raises(LakeError, match="INTEGRITY") as noticed:
        lake.read("main", "good/2")
    assert "good/2" in str(noticed.value.where) and entry.digest in str(noticed.value.value)
    assert lake.read("main", "good/1") == b"good 1"
    commit(lake, {"good/2": b"good 2"})
    assert lake.read("main", "good/2") == b"good 2"


def test_a_missing_object_is_noticed(lake: EmbeddedLake) -> None:
    entry = lake.entry("main", "good/0")
    assert entry is not None
    lake.local_file("main", entry).unlink()
    with pytest.raises(LakeError, match="INTEGRITY"):
        lake.read("main", "good/0")
    assert lake.read("main", "good/3") == b"good 3"


def test_every_flipped_byte_of_an_object_is_noticed(lake: EmbeddedLake) -> None:
    commit(lake, {"x": bytes(range(60))})
    entry = lake.entry("main", "x")
    assert entry is not None
    file = lake.local_file("main", entry)
    file.chmod(0o644)
    for position in range(60):
        damaged = bytearray(range(60))
        damaged[position] ^= 1 << position % 8
        file.write_bytes(damaged)
        with pytest.raises(LakeError, match="INTEGRITY"):
            lake.read("main", "x")


@pytest.mark.parametrize("as_file", [False, True], ids=["bytes", "file"])
def test_a_full_disk_while_staging(lake: EmbeddedLake, tmp_path: Path, as_file: bool) -> None:
    before = lake.resolve("main")
    source = tmp_path / "big"
    source.write_bytes(os.urandom(200_000))
    with pytest.raises(LakeError) as full, lake.transaction("main", {}) as transaction:  # noqa: PT012
        transaction.put("small", b"1")
        with files_limited_to(100_000):
            transaction.put("big", source if as_file else source.read_bytes())
    assert full.value.code == "STORAGE_FULL" and full.value.passing
    assert lake.resolve("main") == before
    assert list(lake.staging.folder.iterdir()) == []
    commit(lake, {"big": source.read_bytes()})
    assert lake.read("main", "big") == source.read_bytes()


def test_a_full_disk_for_the_database(lake: EmbeddedLake) -> None:
    """SQLite is told that its file is as large as it may get (by this connection): what it says of a full disk."""
    before = lake.resolve("main")
    connection = lake.store.database.connection
    ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(LakeError) as full:
        commit(lake, {f"many/{n}": b"%d" % n for n in range(2000)})
    assert full.value.code == "STORAGE_FULL"
    assert lake.resolve("main") == before
    commit(lake, {f"many/{n}": b"%d" % n for n in range(2000)})
    assert len(list(lake.entries("main", "many/"))) == 2000


def test_an_answer_lost_after_the_commit_is_looked_up(lake: EmbeddedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = Database.writing

    @contextmanager
    def landed_but_not_told(self: Database) -> Iterator[None]:
        with writing(self):
            yield
        raise LakeError("STORAGE_IO", "the answer was lost")

    before = len(list(lake.log("main")))
    with monkeypatch.context() as patched:
        patched.setattr(Database, "writing", landed_but_not_told)
        landed = commit(lake, {"good/0": b"new"}, attempt="a1")
    assert lake.resolve("main") == landed
    assert lake.landed("a1", "main") is not None and lake.landed("a2", "main") is None
    assert commit(lake, {"good/0": b"new"}, attempt="a1") == landed
    assert len(list(lake.log("main"))) == before + 1


def test_a_store_that_cannot_be_asked_is_unknown(lake: EmbeddedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = lake.resolve("main")

    writing = Database.writing

    @contextmanager
    def dead(self: Database) -> Iterator[None]:
        def dead_rows(*_: object) -> None:
            raise LakeError("STORAGE_IO", "no answer")

        with writing(self):
            yield
            patched.setattr(Database, "rows", dead_rows)
            raise LakeError("STORAGE_IO", "the machine is going down")

    with monkeypatch.context() as patched, pytest.raises(LakeError) as unknown:
        transaction = lake.transaction("main", {}, attempt="a7")
        with transaction as staged:
            staged.put("good/0", b"new")
            patched.setattr(Database, "writing", dead)
    assert unknown.value.code == "COMMIT_UNKNOWN" and unknown.value.passing
    assert unknown.value.value == "a7"
    assert lake.resolve("main") == before
    commit(lake, {"good/0": b"new"}, attempt="a7")
    assert lake.read("main", "good/0") == b"new"


def test_a_fence_that_fails_by_itself_says_so(lake: EmbeddedLake) -> None:
    before = lake.resolve("main")

    def cannot_ask() -> None:
        raise ConnectionError("the orchestrator does not answer")

    with pytest.raises(ConnectionError):
        commit(lake, {"good/0": b"new"}, fence=cannot_ask)
    assert lake.resolve("main") == before
    assert commit(lake, {"good/0": b"new"}, fence=lambda: None) != before


def test_a_staged_object_that_vanished_is_not_published(lake: EmbeddedLake) -> None:
    before = lake.resolve("main")
    with pytest.raises(LakeError, match="INTEGRITY"), lake.transaction("main", {}) as transaction:  # noqa: PT012
        entry = transaction.put("good/0", b"new")
        transaction.staged.move_in()
        lake.local_file("main", entry).unlink()
    assert lake.resolve("main") == before
    assert contents(lake, "main", "good/0") == {"good/0": b"good 0"}


def test_a_damaged_database_is_named(lake: EmbeddedLake) -> None:
    file = lake.folder / DATABASE
    lake.store.database.close()
    file.write_bytes(b"not a database" * 1000)
    with pytest.raises(LakeError, match="STORE_CORRUPT"):
        EmbeddedLake.open(lake.folder)
    file.unlink()
    sqlite3.connect(file).execute("CREATE TABLE recipes (soup TEXT)")
    with pytest.raises(LakeError, match="STORE_CORRUPT"):
        EmbeddedLake.open(lake.folder)


def test_a_newer_store_is_refused_with_its_version(lake: EmbeddedLake) -> None:
    lake.store.database.rows(f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(LakeError) as refused:
        EmbeddedLake.open(lake.folder)
    assert (refused.value.code, refused.value.value) == ("STORE_TOO_NEW", str(FORMAT + 1))
    lake.store.database.rows(f"PRAGMA user_version = {FORMAT}")
    assert EmbeddedLake.open(lake.folder).read("main", "good/0") == b"good 0"


def test_a_lake_is_made_only_when_wanted(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="STORE_MISSING"):
        EmbeddedLake.open(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()
    with pytest.raises(LakeError, match="LAKE_ADDRESS"):
        open_lake("gopher://lake")
    made = open_lake(str(tmp_path / "some" / "lake"))
    assert open_lake(tmp_path / "some" / "lake", create=False).resolve("main") == made.resolve("main")


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /mnt/share rw,relatime shared:1 - nfs4 server:/share rw
31 22 0:41 / /mnt/s3 rw,relatime - fuse.s3fs s3fs rw
32 22 0:42 / /mnt/win rw,relatime - fuseblk /dev/sdb1 rw
33 22 0:43 / /mnt/my\\040disk rw,relatime - xfs /dev/sdc rw
34 22 0:44 / /mnt/over rw,relatime - ext4 /dev/sdd rw
35 34 0:45 / /mnt/over rw,relatime - cifs //server/over rw
36 30 0:46 / /mnt/share/local rw,relatime master:2 - btrfs /dev/sde rw
37 22 0:47 / /mnt/host rw - virtiofs host rw
"""


@pytest.mark.parametrize("folder", ["/mnt/share/lake", "/mnt/s3", "/mnt/win/a/b", "/mnt/over/lake", "/mnt/host/x"])
def test_network_and_fuse_file_systems_are_refused_by_name(folder: str) -> None:
    with pytest.raises(LakeError) as refused:
        check_file_system(Path(folder), MOUNTS)
    assert refused.value.code == "STORE_UNSUPPORTED_FS"
    assert refused.value.value == file_system_of(Path(folder), MOUNTS)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/home/lake", "ext4"), ("/mnt/my disk/lake", "xfs"), ("/mnt/share/local/lake", "btrfs"), ("/mnt/shared", "ext4"),
     ("/", "ext4")],
)  # fmt: skip
def test_disks_of_this_machine_are_taken(folder: str, kind: str) -> None:
    check_file_system(Path(folder), MOUNTS)
    assert file_system_of(Path(folder), MOUNTS) == kind


def test_the_real_mounts_are_understood(tmp_path: Path) -> None:
    check_file_system(tmp_path)
    assert file_system_of(tmp_path, Path("/proc/self/mountinfo").read_text()) != ""


def test_leftovers_of_the_dead_are_swept_and_the_living_are_spared(lake: EmbeddedLake) -> None:
    dead = lake.staging.folder / "dead"
    dead.mkdir()
    (dead / "branch").write_text("main")
    (dead / "half").write_bytes(b"half a cl")
    with lake.transaction("main", {}) as transaction:
        transaction.put("good/0", b"new")
        assert lake.staging.open_on("main") == 1
        assert lake.staging.sweep() == 0  # too young
        assert lake.staging.sweep(grace_seconds=0) == 1
        assert not dead.exists()
    assert lake.read("main", "good/0") == b"new"
    assert lake.staging.open_on("main") == 0


def test_threads_and_forked_children_share_a_lake(lake: EmbeddedLake) -> None:
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for n in range(5):
                commit(lake, {f"thread-{number}/{n}": b"%d" % n})
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    child = os.fork()
    if child == 0:
        try:
            commit(lake, {"child": b"1"})
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert len(list(lake.entries("main", "thread-"))) == 20
    assert lake.read("main", "child") == b"1"
    commit(lake, {"parent": b"1"})


def test_objects_are_read_only_files_named_by_their_digest(lake: EmbeddedLake) -> None:
    objects = Objects(lake.folder / "objects")
    files = [file for file in objects.folder.rglob("*") if file.is_file()]
    assert len(files) == 4
    for file in files:
        assert objects.holds(file.parent.name + file.name)
        assert file.stat().st_mode & 0o222 == 0
