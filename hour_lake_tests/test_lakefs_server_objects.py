"""The stand-in's objects: written, read, staged, presigned, copied and imported, with the real SDK and plain HTTP."""

import hashlib
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hour_lake_tests.lakefs_server.running import Running, running
from hour_lake_tests.lakefs_server_cases import ask, commit, contents, new_repository, path_of, put
from hour_lake_tests.lakefs_server_cases import main as main
from hour_lake_tests.lakefs_server_cases import repository as repository

DATA = bytes(range(256)) * 5


@pytest.fixture(scope="module")
def s3_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s3")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, s3_root: Path) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("stand-in"), repository=None, s3_root=s3_root) as started:
        yield started


def test_the_ways_to_upload_end_alike(server: Running, repository: Any, main: Any) -> None:
    from lakefs_sdk import UpdateObjectUserMetadata

    said = {"kind": "clip"}
    main.object("raw").upload(DATA, pre_sign=False, content_type="video/mp4", metadata=said)
    main.object("presigned").upload(DATA, pre_sign=True, content_type="video/mp4", metadata=said)
    main._client.sdk_client.objects_api.upload_object(repository.id, "main", "form", content=DATA)
    for path in ("raw", "presigned", "form"):
        stat = main.object(path).stat()
        assert (stat.checksum, stat.size_bytes) == (hashlib.md5(DATA).hexdigest(), len(DATA))
        assert abs(stat.mtime - time.time()) < 60
        assert stat.physical_address.startswith(f"s3://stand-in/{repository.id}/data/")
        for pre_sign in (False, True):
            assert main.object(path).reader(pre_sign=pre_sign).read() == DATA
    assert main.object("raw").stat().metadata == main.object("presigned").stat().metadata == said
    assert main.object("raw").stat().content_type == "video/mp4"
    assert main.object("form").stat().content_type == "application/octet-stream"
    main._client.sdk_client.experimental_api.update_object_user_metadata(
        repository.id, "main", "raw", UpdateObjectUserMetadata(set={"new": "1"})
    )
    main.object("raw")._stats = None
    assert main.object("raw").stat().metadata == {"new": "1"}
    listed = {o["path"]: o for o in ask(server, "GET", path_of(repository, "refs/main/objects/ls")).json["results"]}
    assert listed["raw"]["metadata"] == {"new": "1"}
    plain = ask(server, "GET", path_of(repository, "refs/main/objects/ls"), user_metadata="false").json["results"]
    assert all("metadata" not in found for found in plain)


def test_bytes_of_every_kind_survive_a_form(repository: Any, main: Any) -> None:
    data = b"\r\n--boundary\r\n\r\nContent\x00\xff\r\n"
    main._client.sdk_client.objects_api.upload_object(repository.id, "main", "form", content=data)
    assert main.object("form").reader(pre_sign=False).read() == data


def test_ranges_are_those_of_http(server: Running, repository: Any, main: Any) -> None:
    commit(main, file=DATA, empty=b"")
    at = path_of(repository, "refs/main/objects")
    size = len(DATA)
    spans = {"bytes=0-0": (0, 1), "bytes=3-9": (3, 10), "bytes=1279-": (1279, size), "bytes=5-99999": (5, size),
             "bytes=-4": (size - 4, size), "bytes=-99999": (0, size)}  # fmt: skip
    for wanted, (start, stop) in spans.items():
        for url in (at, ask(server, "GET", f"{at}/stat", path="file", presign="true").json["physical_address"]):
            answer = ask(server, "GET", url, headers={"Range": wanted}, **({} if url != at else {"path": "file"}))
            assert (answer.status, answer.body) == (206, DATA[start:stop])
            assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
    for odd in ("bytes=9-3", "bytes=0-1,3-4", "lines=1-2", "bytes=-"):
        assert ask(server, "GET", at, headers={"Range": odd}, path="file").status == 200
    for beyond in (f"bytes={size}-", "bytes=99999-100000"):
        answer = ask(server, "GET", at, headers={"Range": beyond}, path="file")
        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert ask(server, "GET", at, headers={"Range": "bytes=0-"}, path="empty").status == 416
    with main.object("file").reader(pre_sign=False) as reader:
        reader.seek(250)
        assert reader.read(10) == DATA[250:260]
        assert reader.tell() == 260


def test_head_and_etags(server: Running, repository: Any, main: Any) -> None:
    commit(main, file=DATA)
    at = path_of(repository, "refs/main/objects")
    head = ask(server, "HEAD", at, path="file")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(DATA)))
    assert head.headers["ETag"] == f'"{hashlib.md5(DATA).hexdigest()}"'
    assert head.headers["Last-Modified"].endswith("GMT")
    assert ask(server, "HEAD", at, path="nope").status == 404
    assert ask(server, "GET", at, headers={"If-None-Match": head.headers["ETag"]}, path="file").status == 304
    there = ask(server, "GET", at, path="file", presign="true")
    assert (there.status, there.body) == (302, b"")
    assert ask(server, "GET", there.headers["Location"]).body == DATA


def test_a_write_can_ask_for_what_stands_there(server: Running, repository: Any, main: Any) -> None:
    at = path_of(repository, "branches/main/objects")

    def write(**headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(server, "POST", at, b"new", headers=sent, path="f").status

    assert write(If_Match='"0"') == 412
    assert write(If_None_Match="*") == 201
    assert write(If_None_Match="*") == 412
    assert write(If_None_Match='"x"') == 501
    assert write(If_Match=f'"{hashlib.md5(b"new").hexdigest()}"') == 201
    commit(main, g=b"1")
    assert write(If_None_Match="*") == 412
    put(main, f=None)
    assert write(If_None_Match="*") == 201
    with pytest.raises(FileExistsError):
        main.object("f").upload(b"again", mode="xb", pre_sign=False)


def test_a_physical_address_is_linked_once_to_its_path(server: Running, repository: Any, main: Any) -> None:
    at = path_of(repository, "branches/main/staging/backing")

    def link(address: str, path: str, **more: Any) -> Any:
        body = {"staging": {"physical_address": address}, "checksum": "c", "size_bytes": 3, **more}
        return ask(server, "PUT", at, body, path=path)

    place = ask(server, "GET", at, path="a", presign="true").json
    assert place["presigned_url_expiry"] > time.time()
    assert ask(server, "PUT", place["presigned_url"], b"new").headers["ETag"] == f'"{hashlib.md5(b"new").hexdigest()}"'
    assert contents(main) == {}
    assert link(place["physical_address"], "b").status == 400
    assert link(place["physical_address"], "a", user_metadata={"k": "v" * 2048}).status == 400
    linked = link(place["physical_address"], "a", user_metadata={"Key": "v"}, content_type="x/y", mtime=7)
    assert linked.status == 200
    assert linked.json == {
        "path": "a", "path_type": "object", "physical_address": place["physical_address"], "checksum": "c",
        "size_bytes": 3, "mtime": 7, "content_type": "x/y", "metadata": {"Key": "v"},
    }  # fmt: skip
    assert contents(main) == {"a": b"new"}
    assert link(place["physical_address"], "a").status == 400
    assert link(place["physical_address"] + "0", "a").status == 400
    assert link("s3://elsewhere/key", "outside").status == 200  # an address outside may be linked, says the definition
    assert ask(server, "GET", path_of(repository, "refs/main/objects"), path="outside").status == 410
    assert ask(server, "PUT", at, {"staging": {}, "checksum": "c", "size_bytes": 3}, path="a").status == 400


def test_what_was_issued_ends(tmp_path: Path) -> None:
    with running(tmp_path, repository=None, link_seconds=0, presign_seconds=-1, relink="allow") as server:
        repository = new_repository(server)
        at = path_of(repository, "branches/main/staging/backing")
        place = ask(server, "GET", at, path="a", presign="true").json
        over = ask(server, "PUT", place["presigned_url"], b"new")
        assert over.status == 403 and b"<Code>AccessDenied</Code><Message>Request has expired" in over.body
        body = {"staging": place, "checksum": "c", "size_bytes": 3}
        late = ask(server, "PUT", at, body, path="a")
        assert late.status == 409
        assert late.json["physical_address"] != place["physical_address"]
        assert list(repository.branch("main").uncommitted()) == []


def test_presigned_urls_are_for_one_thing_only(server: Running, repository: Any, main: Any) -> None:
    commit(main, a=b"1", b=b"2")
    urls = {
        path: ask(server, "GET", path_of(repository, "refs/main/objects/stat"), path=path, presign="true").json[
            "physical_address"
        ]
        for path in "ab"
    }
    assert ask(server, "GET", urls["a"]).body == b"1"
    assert ask(server, "HEAD", urls["a"]).status == 200
    query = urls["a"].partition("?")[2]
    later = urls["a"].replace("expires=", "expires=9")
    for wrong in (f"{urls['b'].partition('?')[0]}?{query}", later, urls["a"].replace("signature=", "signature=0")):
        answer = ask(server, "GET", wrong)
        assert answer.status == 403 and b"SignatureDoesNotMatch" in answer.body
    assert ask(server, "PUT", urls["a"], b"mine").status == 403
    assert contents(main) == {"a": b"1", "b": b"2"}


def test_objects_are_copied_and_deleted(server: Running, repository: Any, main: Any) -> None:
    first = commit(main, a=DATA, b=b"2", c=b"3")
    main.object("a").copy("main", "copy/a")
    at = path_of(repository, "branches/main/objects/copy")
    shallow = ask(server, "POST", at, {"src_path": "a", "src_ref": first, "shallow": True}, dest_path="copy/b").json
    deep = main.object("copy/a").stat()
    assert shallow["physical_address"] == main.object("a").stat().physical_address != deep.physical_address
    assert deep.checksum == shallow["checksum"]
    main.delete_objects(["b", "c", "never-there"])
    main.object("never-there").delete()
    assert contents(main) == {"a": DATA, "copy/a": DATA, "copy/b": DATA}
    assert [c.path for c in main.uncommitted()] == ["b", "c", "copy/a", "copy/b"]
    put(main, b=b"2")  # as it was
    assert [c.path for c in main.uncommitted()] == ["c", "copy/a", "copy/b"]


def test_an_import_takes_objects_by_their_address(server: Running, repository: Any, main: Any, s3_root: Path) -> None:
    commit(main, **{"raw/one.mp4": b"old", "raw/kept": b"kept"})
    put(main, unfinished=b"1")
    bucket = s3_root / repository.id
    for name in ("videos/one.mp4", "videos/deep/two ü.mp4", "videos-other/three.mp4", "single.csv"):
        (bucket / name).parent.mkdir(parents=True, exist_ok=True)
        (bucket / name).write_bytes(name.encode())
    at = f"s3://{repository.id}"
    importing = main.import_data("take in", {"run": "r1"})
    importing.prefix(f"{at}/videos/", "raw/").object(f"{at}/single.csv", "manifest.csv")
    status = importing.run(timedelta(milliseconds=20))
    assert (status.completed, status.ingested_objects, status.error) == (True, 3, None)
    assert status.commit.id == main.head.id
    assert (status.commit.message, status.commit.metadata) == ("take in", {"run": "r1"})
    assert contents(repository.ref("main@")) == {
        "raw/one.mp4": b"videos/one.mp4", "raw/deep/two ü.mp4": "videos/deep/two ü.mp4".encode(),
        "raw/kept": b"kept", "manifest.csv": b"single.csv",
    }  # fmt: skip
    assert [c.path for c in main.uncommitted()] == ["unfinished"]
    stat = main.object("raw/one.mp4").stat()
    assert stat.physical_address == f"{at}/videos/one.mp4"
    assert stat.checksum != hashlib.md5(b"videos/one.mp4").hexdigest()
    assert main.object("raw/deep/two ü.mp4").reader(pre_sign=True).read() == "videos/deep/two ü.mp4".encode()
    (bucket / "videos/one.mp4").unlink()  # nothing was copied
    assert ask(server, "GET", path_of(repository, "refs/main/objects"), path="raw/one.mp4").status == 410


def test_imports_fail_and_are_cancelled_aloud(tmp_path: Path) -> None:
    from lakefs.exceptions import ConflictException, ImportManagerException

    (tmp_path / "s3" / "bucket").mkdir(parents=True)
    (tmp_path / "s3" / "bucket" / "file").write_bytes(b"1")
    with running(tmp_path / "root", repository=None, s3_root=tmp_path / "s3", import_seconds=0.5) as server:
        main = new_repository(server).branch("main")
        nothing = main.import_data().prefix("s3://bucket/nothing/", "x/")
        with pytest.raises(ImportManagerException, match="objects at s3://bucket/nothing/ not found"):
            nothing.run(timedelta(milliseconds=20))
        outside = main.import_data().object("s3://bucket/../../etc/passwd", "x")
        with pytest.raises(ImportManagerException, match="not found"):
            outside.run(timedelta(milliseconds=20))
        cancelled = main.import_data().prefix("s3://bucket/", "x/")
        cancelled.start()
        assert cancelled.status().completed is False
        cancelled.cancel()
        assert "canceled" in cancelled.status().error.message
        done = main.import_data().prefix("s3://bucket/", "y/")
        assert done.run(timedelta(milliseconds=20)).completed
        with pytest.raises(ConflictException):
            done.cancel()
        again = main.import_data().prefix("s3://bucket/", "y/")
        with pytest.raises(ImportManagerException, match="no changes"):
            again.run(timedelta(milliseconds=20))
        assert contents(main) == {"y/file": b"1"}
