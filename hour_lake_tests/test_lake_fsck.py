"""One flipped byte anywhere: noticed by the check, never silently read; and what was lost is put back."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hour_lake.errors import LakeError
from hour_lake.lake.database import FORMAT
from hour_lake.lake.embedded import DATABASE, EmbeddedLake
from hour_lake.lake.fsck import Checked, check
from hour_lake_tests.lake_cases import commit, contents
from hour_lake_tests.sizes import size

FLIPS = size(200, night=2_000)
GOLDEN = Path(__file__).parent / "data" / "lake-format-1.tar.gz"
REFS = ("main", "exp", "still", "dataset/talks/v1")
Reading = dict[str, object]


def fill(lake: EmbeddedLake) -> None:
    """Two branches, a dropped one, a tag; enough entries for a tree of three levels."""
    with lake.transaction("main", {}) as transaction:
        for n in range(70):
            made_of = {"fingerprint": f"{n * n:064x}", "parts": "source, config"}
            transaction.put(f"layers/blink/bob/{n:03d}.parquet", b"blink %d" % n * 20, made_of)
    lake.tag("dataset/talks/v1", "main")
    lake.create_branch("exp", "main")
    commit(lake, {"layers/blink/bob/003.parquet": b"other"}, branch="exp")
    lake.create_branch("still", "main")
    lake.create_branch("dropped", "main")
    commit(lake, {"gone": b"gone"}, branch="dropped")
    lake.delete_branch("dropped")
    with lake.transaction("main", {}) as transaction:
        transaction.put("tables/facts.parquet", b"facts")  # without metadata
        transaction.delete("layers/blink/bob/007.parquet")
    lake.merge("exp", "main")


def closed(lake: EmbeddedLake) -> Path:
    """Everything in the one file."""
    lake.store.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    lake.store.database.close()
    return lake.folder


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = EmbeddedLake.open(tmp_path_factory.mktemp("pattern") / "lake")
    fill(lake)
    return closed(lake)


@pytest.fixture
def lake(pattern: Path, tmp_path: Path) -> EmbeddedLake:
    return EmbeddedLake.open(copied(pattern, tmp_path))


def everything() -> Iterator[tuple[str, Callable[[EmbeddedLake], object]]]:
    """All that can be asked, each question by itself."""
    yield "branches", lambda lake: dict(lake.branches())
    yield "tags", lambda lake: dict(lake.tags())
    for ref in REFS:
        yield f"log {ref}", lambda lake, ref=ref: list(lake.log(ref))
        yield f"entries {ref}", lambda lake, ref=ref: list(lake.entries(ref))
        for name in ("layers/blink/bob/003.parquet", "layers/blink/bob/064.parquet", "tables/facts.parquet"):
            yield f"entry {ref} {name}", lambda lake, ref=ref, name=name: lake.entry(ref, name)
            yield f"read {ref} {name}", lambda lake, ref=ref, name=name: lake.read(ref, name)
    yield "diff", lambda lake: list(lake.diff("still", "main"))


def readings(folder: Path) -> Reading:
    """Answers by question; a refusal is its code."""
    try:
        lake = EmbeddedLake.open(folder)
    except LakeError as error:
        return {"open": error.code}
    read: Reading = {}
    for question, ask in everything():
        try:
            read[question] = ask(lake)
        except LakeError as error:
            read[question] = error.code
    lake.store.database.close()
    return read


def checked(folder: Path) -> Checked | str:
    """What the check says, or the code with which the lake does not even open."""
    try:
        lake = EmbeddedLake.open(folder)
    except LakeError as error:
        return error.code
    found = check(lake)
    lake.store.database.close()
    return found


def copied(pattern: Path, into: Path) -> Path:
    """A lake of one's own; objects are links until they are written to."""
    folder = Path(shutil.copytree(pattern, into / "lake", copy_function=os.link))
    own(folder / DATABASE)
    return folder


def own(file: Path) -> None:
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data)


def flip(file: Path, position: int, mask: int) -> None:
    own(file)
    with file.open("r+b") as opened:
        opened.seek(position)
        (old,) = opened.read(1)
        opened.seek(position)
        opened.write(bytes([old ^ mask]))


def stored_spans(folder: Path) -> list[tuple[Path, int, int, str]]:
    """Where in which file the stored things lie: file, first byte, length, and what it is.

    Content in the database is found by its bytes; what lies on several pages is taken by its first part.
    """
    spans = [(file, 0, file.stat().st_size, "object") for file in sorted(folder.glob("objects/*/*"))]
    file = folder / DATABASE
    data = file.read_bytes()
    connection = sqlite3.connect(file)
    for table, column in (("node", "body"), ("node", "hints"), ("metadata", "body"), ("commits", "body"),
                          ("commits", "id"), ("commits", "attempt"), ("commits", "changes"), ("refs", "commit_id"),
                          ("ref_log", "digest")):  # fmt: skip
        for (value,) in connection.execute(f"SELECT {column} FROM {table}"):
            found = value.encode() if isinstance(value, str) else value
            if len(found) >= 16 and (at := data.find(found[:1500])) >= 0:
                spans.append((file, at, min(len(found), 1500), f"{table}.{column}"))
    connection.close()
    return spans


def means_nothing(data: bytes, start: int, length: int, position: int, mask: int) -> bool:
    """Deflate has bits that it does not use, as before its checksum: with them flipped, the text is the same."""
    flipped = bytearray(data[start : start + length])
    flipped[position - start] ^= mask
    try:
        return zlib.decompress(flipped) == zlib.decompress(data[start : start + length])
    except zlib.error:
        return False


def test_a_sound_lake_has_no_problems(lake: EmbeddedLake) -> None:
    for quick in (False, True):
        found = check(lake, quick=quick, repair=True)
        assert (found.problems, found.repaired) == ((), ())
        assert found.whole_refs == tuple(sorted(REFS))
    assert (found.commits, found.objects) == (6, 73)
    assert found.nodes > 15 and found.metadata_blocks > 3


def test_every_flipped_byte_of_what_is_stored_is_noticed(pattern: Path, tmp_path: Path) -> None:
    """Where something is stored, the check must notice; reads give what was stored or a code."""
    chosen, spans, truth = random.Random(18), stored_spans(pattern), readings(pattern)
    kinds = sorted({kind for *_, kind in spans})
    assert len(kinds) == 10
    for number in range(FLIPS):
        kind = kinds[number % len(kinds)]
        file, start, length, _ = chosen.choice([span for span in spans if span[3] == kind and span[2]])
        folder = copied(pattern, tmp_path)
        position, mask = start + chosen.randrange(length), 1 << chosen.randrange(8)
        while kind == "metadata.body" and means_nothing(file.read_bytes(), start, length, position, mask):
            position, mask = start + chosen.randrange(length), 1 << chosen.randrange(8)
        flip(folder / file.relative_to(pattern), position, mask)
        where = f"flip {number}: {kind}, byte {position} of {file.name}, mask {mask}"
        found = checked(folder)
        assert isinstance(found, str) or found.problems, where
        assert_nothing_silent(readings(folder), truth, where)
        shutil.rmtree(folder)


def test_a_flipped_byte_anywhere_in_the_database_is_noticed_or_changes_nothing(pattern: Path, tmp_path: Path) -> None:
    """Also in headers, pointers, counters and in space that nothing uses, where a byte may mean nothing."""
    chosen, truth, noticed = random.Random(19), readings(pattern), 0
    size = (pattern / DATABASE).stat().st_size
    for number in range(FLIPS):
        folder = copied(pattern, tmp_path)
        page = chosen.randrange(size // 8192) * 8192
        # Every second one among the first bytes of a page, where its structure lies.
        position = page + chosen.randrange(100 if number % 2 else 8192)
        mask = 1 << chosen.randrange(8)
        flip(folder / DATABASE, position, mask)
        where = f"flip {number}: byte {position}, mask {mask}"
        found, read = checked(folder), readings(folder)
        if isinstance(found, str) or found.problems:
            noticed += 1
            assert_nothing_silent(read, truth, where)
        else:
            assert read == truth, where
        shutil.rmtree(folder)
    assert noticed > FLIPS // 8


def assert_nothing_silent(read: Reading, truth: Reading, where: str) -> None:
    """Contents are right or refused. A name may be gone: it is asked for and then not found."""
    for question, answer in read.items():
        if isinstance(answer, str) or answer == truth[question]:
            continue
        assert question in ("branches", "tags"), f"{where}: {question} gave {str(answer)[:300]}"


def test_a_flipped_link_to_no_metadata_is_noticed(lake: EmbeddedLake) -> None:
    """A leaf says of an entry that there is metadata, but the place where to find it has become that of none."""
    for row, hints in lake.store.database.rows("SELECT id, hints FROM node"):
        lake.store.database.rows("UPDATE node SET hints = ? WHERE id = ?", bytes(len(hints)), row)
    fresh = EmbeddedLake.open(lake.folder)
    with pytest.raises(LakeError, match="STORE_CORRUPT"):
        fresh.entry("main", "layers/blink/bob/003.parquet")
    assert check(fresh).problems


def test_a_damaged_object_names_all_whom_it_concerns(lake: EmbeddedLake) -> None:
    with lake.transaction("main", {"source_commit": lake.resolve("exp")}) as transaction:
        transaction.delete("layers/blink/bob/003.parquet")
    lake.tag("dataset/talks/v2", transaction.commit_id)
    entry = lake.entry("exp", "layers/blink/bob/003.parquet")
    assert entry is not None
    flip(lake.local_file("exp", entry), 2, 1)
    (problem,) = check(lake).problems
    assert (problem.code, problem.value) == ("INTEGRITY", entry.digest)
    assert problem.paths == ("layers/blink/bob/003.parquet",)
    assert problem.refs == ("exp",)
    assert problem.datasets == ("talks@v2",)
    assert lake.resolve("exp") in problem.commits and lake.resolve("main") not in problem.commits
    assert check(lake).whole_refs == ("dataset/talks/v1", "dataset/talks/v2", "main", "still")
    assert check(lake, quick=True).problems == ()  # of the same size
    lake.local_file("exp", entry).unlink()
    assert [p.message for p in check(lake, quick=True).problems] == ["an object is missing"]


def test_a_damaged_object_is_set_aside_and_mended_by_the_same_bytes(lake: EmbeddedLake) -> None:
    before = contents(lake, "main")
    entry = lake.entry("main", "layers/blink/bob/010.parquet")
    assert entry is not None
    flip(lake.local_file("main", entry), 2, 1)
    assert entry.digest in check(lake, repair=True).repaired[0]
    assert (lake.folder / "damaged" / entry.digest).exists()
    with pytest.raises(LakeError, match="INTEGRITY"):
        lake.read("main", entry.path)
    commit(lake, {"copy": b"blink 10" * 20})
    assert check(lake).problems == ()
    assert contents(lake, "main", "layers/") == {p: d for p, d in before.items() if p.startswith("layers/")}


def test_a_missing_object_is_taken_back_from_leftovers(lake: EmbeddedLake) -> None:
    """What a killed writer had staged, and what a killed collection had set aside."""
    before = contents(lake, "main")
    dead = lake.staging.folder / "dead"
    dead.mkdir()
    (dead / "branch").write_text("main")
    (lake.folder / "removing").mkdir()
    first, second = (lake.entry("main", f"layers/blink/bob/{n}.parquet") for n in ("011", "012"))
    assert first is not None and second is not None
    lake.local_file("main", first).rename(dead / "half")
    lake.local_file("main", second).rename(lake.folder / "removing" / second.digest)
    os.utime(dead, (0, 0))
    found = check(lake, repair=True)
    assert {p.value for p in found.problems} == {first.digest, second.digest}
    assert len(found.repaired) == 2 and found.staging_folders == 1
    assert check(lake).problems == ()
    assert contents(lake, "main") == before


def test_lost_refs_come_back_and_deleted_ones_stay_deleted(lake: EmbeddedLake) -> None:
    stood = {**lake.branches(), **lake.tags()}
    lake.store.database.rows("DELETE FROM refs")
    found = check(lake, repair=True)
    assert {p.value for p in found.problems} == set(REFS) and len(found.repaired) == len(REFS)
    assert {**lake.branches(), **lake.tags()} == stood
    assert set(lake.branches()) == {"main", "exp", "still"} and set(lake.tags()) == {"dataset/talks/v1"}
    assert check(lake).problems == ()
    commit(lake, {"after": b"1"})


def test_a_branch_made_again_comes_back_as_the_later_one(lake: EmbeddedLake) -> None:
    lake.delete_branch("exp")
    lake.create_branch("exp", "dataset/talks/v1")
    lake.store.database.rows("DELETE FROM refs WHERE name = 'exp'")
    check(lake, repair=True)
    assert lake.resolve("exp") == lake.resolve("dataset/talks/v1")


def test_a_ref_at_a_missing_commit_goes_back_to_the_newest_whole_one(lake: EmbeddedLake) -> None:
    before = lake.resolve("main")
    head = commit(lake, {"lost": b"1"})
    lake.store.database.rows("UPDATE commits SET body = x'00' WHERE id = ?", head)
    lake = EmbeddedLake.open(lake.folder)
    found = check(lake, repair=True)
    assert "main" in {p.value for p in found.problems}
    assert found.repaired == (f"branch main stands at {before} again",)
    assert lake.resolve("main") == before
    commit(lake, {"lost": b"1"})


@pytest.mark.parametrize("record", ["made", "deleted"])
def test_a_ref_is_not_put_back_where_a_damaged_record_may_have_deleted_it(lake: EmbeddedLake, record: str) -> None:
    at = {"made": "commit_id IS NOT NULL AND name = 'exp'", "deleted": "commit_id IS NULL AND name = 'dropped'"}[record]
    lake.store.database.rows(f"UPDATE ref_log SET name = 'exq' WHERE {at}")
    stood = dict(lake.branches())
    found = check(lake, repair=True)
    assert len(found.problems) == 2
    assert dict(lake.branches()) == stood
    assert check(lake).problems == ()
    assert any("dropped" in said for said in found.repaired) == (record == "deleted")


def test_a_name_that_damage_has_changed_is_put_right(lake: EmbeddedLake) -> None:
    stood = dict(lake.branches())
    lake.store.database.rows("UPDATE refs SET name = 'exq' WHERE name = 'exp'")
    found = check(lake, repair=True)
    assert {p.value for p in found.problems} == {"exp", "exq"}
    assert dict(lake.branches()) == stood and check(lake).problems == ()


def test_a_broken_page_is_named_and_the_rest_is_read(lake: EmbeddedLake) -> None:
    """Each page in turn; the check never fails by itself, and says of each ref whether all of it can be read."""
    folder = closed(lake)
    sound = (folder / DATABASE).read_bytes()
    some_refs_whole = 0
    for page in range(len(sound) // 8192):
        (folder / DATABASE).write_bytes(sound[: page * 8192] + bytes(8192) + sound[(page + 1) * 8192 :])
        found = checked(folder)
        if isinstance(found, str):
            assert found == "STORE_CORRUPT"
            continue
        some_refs_whole += 0 < len(found.whole_refs) < len(REFS)
        broken = EmbeddedLake.open(folder)
        for ref in found.whole_refs:
            contents(broken, ref)
        broken.store.database.close()
        assert found.problems, f"page {page}"
    assert some_refs_whole


def golden(tmp_path: Path) -> Path:
    with tarfile.open(GOLDEN) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "lake"


def test_a_lake_of_the_first_format_is_brought_to_this_one(tmp_path: Path) -> None:
    lake = EmbeddedLake.open(golden(tmp_path))
    assert lake.store.database.rows("PRAGMA user_version") == [(FORMAT,)]
    assert set(lake.branches()) == {"main", "exp", "still"} and list(lake.tags()) == ["dataset/talks/v1"]
    assert check(lake).problems == ()
    assert lake.read("main", "layers/blink/bob/03.parquet") == b"other"
    assert len(contents(lake, "dataset/talks/v1")) == 20
    commit(lake, {"new": b"1"})
    stood = dict(lake.branches())
    lake.store.database.rows("DELETE FROM refs WHERE kind = 'branch'")
    check(lake, repair=True)
    assert dict(lake.branches()) == stood


@pytest.mark.parametrize("point", ["migrate.step_taken", "migrate.before_commit"])
def test_a_killed_migration_leaves_the_old_format(tmp_path: Path, point: str) -> None:
    folder = golden(tmp_path)
    command = [sys.executable, "-c", f"from hour_lake.lake.open import open_lake; open_lake({str(folder)!r})"]
    killed = subprocess.run(command, env={**os.environ, "HOUR_LAKE_FAILPOINT": f"{point}:kill"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    connection = sqlite3.connect(folder / DATABASE)
    assert connection.execute("PRAGMA user_version").fetchall() == [(1,)]
    connection.close()
    assert check(EmbeddedLake.open(folder)).problems == ()
