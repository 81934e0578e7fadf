"""What is particular to a lake on a lakeFS server: how it is opened, objects of others, imports, presigned URLs."""

import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from hour_lake.errors import LakeError
from hour_lake.lake.lakefs.access import ENDPOINT, KEY_ID, SECRET_KEY, access_from
from hour_lake.lake.lakefs.branches import make_branch
from hour_lake.lake.lakefs.cache import FileCache
from hour_lake.lake.lakefs.lake import LakefsLake
from hour_lake.lake.lakefs.refs import spelt
from hour_lake.lake.lakefs.staging import PREFIX
from hour_lake.lake.lakefs.uploads import Known
from hour_lake.lake.open import open_lake
from hour_lake.lake.remote import RemoteOptions
from hour_lake_tests.lake_cases import commit, contents
from hour_lake_tests.lakefs_cases import access_to, lake_on, lakefs_on_the_stand_in, stand_in
from hour_lake_tests.lakefs_server.running import running


@pytest.fixture
def lake(tmp_path: Path) -> LakefsLake:
    return lakefs_on_the_stand_in(tmp_path)


def upload_past_us(lake: LakefsLake, path: str, data: bytes) -> None:
    """Write to main as any other client does: an object without our metadata, not committed."""
    lake.client.ask(
        lambda api: api.objects_api.upload_object(
            lake.client.repository, "main", path, content=data, _headers={"x-lakefs-meta-Author": "ann"}
        ),
        where=path,
    )


def commit_past_us(lake: LakefsLake) -> None:
    from lakefs_sdk.models.commit_creation import CommitCreation

    lake.client.ask(
        lambda api: api.commits_api.commit(lake.client.repository, "main", CommitCreation(message="by hand")), where=""
    )


def test_opened_by_the_environment(lake: LakefsLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = commit(lake, {"a": b"1"})
    access = lake.client.access
    monkeypatch.setenv(ENDPOINT, access.endpoint)
    monkeypatch.setenv(KEY_ID, access.key_id)
    mounted = tmp_path / "secret"
    mounted.write_text(f"{access.secret_key}\n")
    monkeypatch.setenv(SECRET_KEY + "_FILE", str(mounted))
    address = f"lakefs://{lake.client.repository}"
    opened = open_lake(address, options=RemoteOptions(uploads=2, cache=tmp_path))
    assert opened.read(head, "a") == b"1"
    for wrong in ("lakefs://", "lakefs://UPPER", f"{address}/main"):
        with pytest.raises(LakeError, match="LAKE_ADDRESS"):
            open_lake(wrong)
    with pytest.raises(LakeError, match="STORE_MISSING") as refused:
        open_lake("lakefs://not-there")
    assert "repo create" in str(refused.value.fix)
    monkeypatch.delenv(ENDPOINT)
    with pytest.raises(LakeError, match="CONFIG_ENV_MISSING") as refused:
        open_lake(address)
    assert refused.value.value == ENDPOINT


def test_what_the_environment_must_say() -> None:
    good = {ENDPOINT: "lakefs.example.org:8000/api/v1", KEY_ID: "key", SECRET_KEY: "hidden"}
    assert access_from(good).endpoint == "http://lakefs.example.org:8000"
    assert "hidden" not in repr(access_from(good))
    for name in good:
        with pytest.raises(LakeError, match="CONFIG_ENV_MISSING") as refused:
            access_from({**good, name: ""})
        assert refused.value.value == name and "hidden" not in str(refused.value)
    with pytest.raises(LakeError, match="CONFIG_ENV_MISSING"):
        access_from({ENDPOINT: "x", KEY_ID: "key", SECRET_KEY + "_FILE": "/not/there"})
    for address in ("ftp://x", "http://", "http://user:hidden@host"):
        with pytest.raises(LakeError, match="CONFIG_TYPE") as refused:
            access_from({**good, ENDPOINT: address})
        assert "hidden" not in str(refused.value)


def test_the_package_is_asked_for(lake: LakefsLake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in ((ENDPOINT, lake.client.access.endpoint), (KEY_ID, "k"), (SECRET_KEY, "s")):
        monkeypatch.setenv(name, text)
    monkeypatch.setitem(sys.modules, "lakefs", None)
    with pytest.raises(LakeError, match=r"pip install hour-lake\[lakefs\]"):
        open_lake("lakefs://talks")


def test_objects_of_others(lake: LakefsLake, tmp_path: Path) -> None:
    """They are listed and read like ours; nobody knows their digest before."""
    before = commit(lake, {"ours": b"1"})
    upload_past_us(lake, "theirs", b"by hand")
    assert [entry.path for entry in lake.entries("main")] == ["ours"]
    commit_past_us(lake)
    ours, theirs = lake.entries("main")
    assert (theirs.path, theirs.digest, theirs.size_bytes) == ("theirs", "", 7)
    assert {key.lower(): text for key, text in theirs.metadata.items()} == {"author": "ann"}
    assert contents(lake, "main") == {"ours": b"1", "theirs": b"by hand"}
    assert [(c.path, c.kind) for c in lake.diff(before, "main")] == [("theirs", "added")]
    file = lake.local_file("main", theirs)
    assert file.read_bytes() == b"by hand"
    assert lake.local_file(lake.resolve("main"), theirs) == file
    head = commit(lake, {"theirs": b"by hand"})
    assert lake.entry(head, "theirs") != theirs and lake.local_file(head, next(lake.entries(head, "theirs"))) == file


def test_a_branch_that_others_are_changing(lake: LakefsLake) -> None:
    head = commit(lake, {"a": b"1"})
    lake.create_branch("exp", "main")
    upload_past_us(lake, "theirs", b"not committed")
    with pytest.raises(LakeError, match="BRANCH_BUSY") as refused:
        commit(lake, {"a": b"2"})
    assert refused.value.value == "theirs"
    assert lake.resolve("main") == head and contents(lake, "main") == {"a": b"1"}
    with pytest.raises(LakeError, match="BRANCH_BUSY"):
        lake.merge(commit(lake, {"b": b"2"}, branch="exp"), "main")
    lake.delete_branch("exp")


def test_long_metadata(lake: LakefsLake) -> None:
    """An object can carry 2 KB; what is longer is compressed, and refused before it is sent if that does not do."""
    metadata = {"parts": "ä\n" * 1000, "fingerprint": "x"}
    with lake.transaction("main", metadata) as transaction:
        transaction.put("a", b"1", metadata)
        with pytest.raises(LakeError, match="METADATA_LIMIT"):
            transaction.put("b", b"1", {"noise": os.urandom(2000).hex()})
    entry = lake.entry("main", "a")
    assert entry is not None and entry.metadata == metadata
    assert [c.path for c in lake.diff(next(lake.log("main")).parents[0], "main")] == ["a"]
    assert next(lake.log("main")).metadata == metadata


def test_keys_of_ours_are_not_for_others(lake: LakefsLake) -> None:
    with pytest.raises(ValueError, match="hour-lake-attempt"):
        commit(lake, {"a": b"1"}, metadata={"hour-lake-attempt": "mine"})


def test_names_that_the_server_reads_otherwise(lake: LakefsLake) -> None:
    commit(lake, {"a": b"1"})
    lake.tag("dataset/talks/v1", "main")
    assert spelt("dataset/talks/v1") == "dataset=talks=v1"
    for expression in ("main~1", "main^1", "main@", "main:", "dataset=talks=v1"):
        with pytest.raises(LakeError, match="REF_NOT_FOUND"):
            lake.resolve(expression)
    with pytest.raises(LakeError, match="REF_NAME_INVALID"):
        lake.create_branch(f"{PREFIX}mine", "main")
    make_branch(lake.client, f"{PREFIX}0-0-0-0", lake.resolve("main"), hidden=True)
    assert list(lake.branches()) == ["main"]


def test_presigned(tmp_path: Path) -> None:
    """Bytes go by presigned URLs and not through the server's object interface."""
    lake, server = lakefs_on_the_stand_in(tmp_path, presigned=True), stand_in()
    server.clear_log()
    file = tmp_path / "file"
    file.write_bytes(os.urandom(3 << 20))
    with lake.transaction("main", {}) as transaction:
        for number in range(20):
            transaction.put(f"p/{number}", b"%d" % number, {"n": str(number)})
        transaction.put("long", file)
    head = transaction.commit_id
    assert lake.read(head, "long") == file.read_bytes()
    assert contents(lake, head, "p/") == {f"p/{number}": b"%d" % number for number in range(20)}
    assert [entry.metadata["n"] for entry in lake.entries(head, "p/")] == sorted(str(n) for n in range(20))
    through = [seen for seen in server.log() if seen["path"].endswith("/objects")]
    assert through == []


def test_files_are_taken_in_as_they_are(lake: LakefsLake, tmp_path: Path) -> None:
    """What goes up is what was there when it was put."""
    file = tmp_path / "file"
    with lake.transaction("main", {}) as transaction:
        for number in range(50):
            file.write_bytes(b"%d" % number * 1000)
            transaction.put(f"p/{number}", file)
        file.unlink()
        with pytest.raises(FileNotFoundError):
            transaction.put("gone", file)
    assert contents(lake, "main") == {f"p/{number}": b"%d" % number * 1000 for number in range(50)}


def test_what_stands_there_is_not_uploaded_again(lake: LakefsLake) -> None:
    commit(lake, {f"p/{number}": b"%d" % number for number in range(30)})
    server = stand_in()
    server.clear_log()
    with lake.transaction("main", {}) as transaction:
        for number in range(30):
            transaction.put(f"p/{number}", b"%d" % number, {"length": str(len(b"%d" % number))})
        transaction.put("p/7", b"7", {"length": "one"})
        transaction.put("p/8", b"eight")
    uploads = [seen for seen in server.log() if seen["method"] == "POST" and seen["path"].endswith("/objects")]
    assert len(uploads) == 1
    assert len(server.log()) < 20
    assert lake.read("main", "p/8") == b"eight"
    entry = lake.entry("main", "p/7")
    assert entry is not None and entry.metadata == {"length": "one"}


def test_a_folder_of_more_than_a_page(lake: LakefsLake, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(lake, {f"p/{number:02d}": b"1" for number in range(40)})
    for module in ("uploads", "entries"):
        monkeypatch.setattr(f"hour_lake.lake.lakefs.{module}.PAGE", 7)
    head = lake.resolve("main")
    known = Known(lake.store.entries, head)
    there = [path for path in (f"p/{n:02d}" for n in range(50)) if known.get(path)]
    assert there == [f"p/{number:02d}" for number in range(40)]
    asked = sorted(["p/03", "p/05", "p/39", "p/99", "q", "a", *(f"p/{n}" for n in range(10, 35))])
    found = lake.store.entries.at(head, asked)
    assert sorted(found) == ["p/03", "p/05", *(f"p/{n}" for n in range(10, 35)), "p/39"]
    assert commit(lake, {f"p/{number:02d}": b"1" for number in range(40)}) == head


def test_import_by_reference(tmp_path: Path) -> None:
    raw = tmp_path / "s3" / "raw"
    raw.mkdir(parents=True)
    for name in ("a.mp4", "b.mp4"):
        (raw / name).write_bytes(name.encode() * 100)
    with running(tmp_path / "root", s3_root=tmp_path / "s3", repository=None) as server:
        lake = lake_on(access_to(server), "local://tests", tmp_path / "cache")
        head = commit(lake, {"raw/b.mp4": b"old", "kept": b"1"})
        sources = {"raw/a.mp4": "s3://raw/a.mp4", "raw/b.mp4": "s3://raw/b.mp4"}
        made = lake.import_objects("main", sources, {"manifest": "talks"}, message="raw videos", attempt="import-1")
        newest = next(lake.log("main"))
        assert (newest.id, newest.parents, newest.message) == (made, (head,), "raw videos")
        assert newest.metadata == {"manifest": "talks"}
        assert lake.import_objects("main", sources, {}, attempt="import-1") == made
        expected = {"kept": b"1", "raw/a.mp4": b"a.mp4" * 100, "raw/b.mp4": b"b.mp4" * 100}
        assert contents(lake, made) == expected
        entry = lake.entry(made, "raw/a.mp4")
        assert entry is not None and (entry.digest, entry.size_bytes) == ("", 500)
        assert lake.local_file(made, entry).read_bytes() == b"a.mp4" * 100
        for bad in ("s3://raw/not-there.mp4", "/etc/passwd"):
            with pytest.raises(LakeError, match="IMPORT_FAILED"):
                lake.import_objects("main", {"raw/c.mp4": bad}, {})
        with pytest.raises(LakeError, match="PATH_INVALID"):
            lake.import_objects("main", {"../c.mp4": "s3://raw/a.mp4"}, {})
        assert lake.resolve("main") == made and lake.store.staging.open_on("main") == 0


def test_locations_are_of_the_gateway(lake: LakefsLake) -> None:
    head = commit(lake, {"a/b c": b"1"})
    (entry,) = lake.entries("main")
    assert lake.location("main", entry) == lake.location(head, entry) == f"s3://{lake.client.repository}/{head}/a/b c"
    access = lake.s3()
    assert f"http://{access.endpoint}" == lake.client.access.endpoint and not access.use_tls
    assert access.scope == f"s3://{lake.client.repository}/" and access.secret_key not in repr(access)


def test_the_cache_is_bounded_and_keeps_what_is_in_use(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", limit_bytes=1000)
    files = [cache.add(lambda sink, n=number: (sink.write(b"%d" % n * 200), f"{n:064d}")[1]) for number in range(8)]
    assert all(file.exists() for file in files)
    old = time.time() - 7200
    for age, file in enumerate(files[:6]):
        os.utime(file, (old + age, old + age))
    assert cache.get(f"{5:064d}", 200) == files[5]
    assert cache.get(f"{4:064d}", 199) is None
    assert cache.evict() == 3
    assert [file.exists() for file in files] == [False] * 3 + [True] * 5
    leftover = cache.folder / "new-of-a-dead-process"
    leftover.write_bytes(b"")
    os.utime(leftover, (old, old))
    assert cache.evict() == 1


def test_a_cached_file_that_was_cut_is_fetched_again(lake: LakefsLake) -> None:
    head = commit(lake, {"a": b"moving picture"})
    (entry,) = lake.entries(head)
    file = lake.local_file(head, entry)
    file.chmod(0o644)
    file.write_bytes(b"mov")
    assert lake.local_file(head, entry).read_bytes() == b"moving picture"


def test_duckdb_reads_a_location_through_the_gateway(lake: LakefsLake, tmp_path: Path) -> None:
    extension = pytest.importorskip("duckdb_extension_httpfs")
    (binary,) = Path(extension.__file__).parent.glob(f"extensions/v{duckdb.__version__}/httpfs.duckdb_extension")
    connection = duckdb.connect()
    connection.execute(f"LOAD '{binary}'")
    file = tmp_path / "rows.parquet"
    connection.execute(f"COPY (SELECT range AS n FROM range(100000)) TO '{file}'")
    with lake.transaction("main", {}) as transaction:
        transaction.put("tables/rows ä.parquet", file)
    (entry,) = lake.entries("main")
    access = lake.s3()
    connection.execute(
        "CREATE SECRET lake (TYPE s3, KEY_ID $key, SECRET $secret, ENDPOINT $endpoint, REGION $region, SCOPE $scope, "
        "URL_STYLE 'path', USE_SSL $tls)".replace("$tls", str(access.use_tls)),
        {"key": access.access_key, "secret": access.secret_key, "endpoint": access.endpoint, "region": access.region,
         "scope": access.scope},
    )  # fmt: skip
    query = "SELECT count(*), sum(n) FROM read_parquet($location)"
    location = lake.location(transaction.commit_id, entry)
    assert connection.execute(query, {"location": location}).fetchall() == [(100000, 4999950000)]
    commit(lake, {}, deletes=[entry.path])
    assert connection.execute(query, {"location": location}).fetchall() == [(100000, 4999950000)]
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{lake.client.access.endpoint}/{quote(location.removeprefix('s3://'))}", timeout=5)
