"""Pointers: what may be reached, and what is refused with its code though a good pointer stands beside it."""

import os
from pathlib import Path

import pytest

from hour_lake.errors import SourceError
from hour_lake.manifests.pointer import HttpPointer, LocalPointer, S3Pointer, parse_pointer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    (base / "sub").mkdir(parents=True)
    (base / "good.mp4").write_bytes(b"x")
    (tmp_path / "secret.txt").write_text("secret")
    (base / "link.mp4").symlink_to(tmp_path / "secret.txt")
    (base / "inside.mp4").symlink_to(base / "good.mp4")
    (base / "round.mp4").symlink_to(base / "round.mp4")
    (base / "out").symlink_to(tmp_path)
    (base / "Recording 3.00\u202fPM \U0001f468\u200d\U0001f4bb.mp4").write_bytes(b"x")
    (base / "talk:1#a?b%20.mp4").write_bytes(b"x")
    os.mkfifo(base / "fifo.mp4")
    return base


BAD = [
    ("URI_SCHEME", "gopher://host/x"),
    ("URI_SCHEME", "concat:good.mp4|good.mp4"),
    ("URI_SCHEME", "subfile,,start,0,end,9,,:good.mp4"),
    ("URI_SCHEME", "data:video/mp4;base64,AAAA"),
    ("URI_SCHEME", "ftp://host/x.mp4"),
    ("URI_FORBIDDEN", "http://example.org/x.mp4"),
    ("URI_SCHEME", "talk:1#a?b%20.mp4"),
    ("URI_SCHEME", "C:\\videos\\a.mp4"),
    ("URI_SCHEME", "hls+http://host/x.m3u8"),
    ("URI_FORBIDDEN", "https:///x.mp4"),
    ("URI_FORBIDDEN", "https://"),
    ("URI_FORBIDDEN", "https:x.mp4"),
    ("URI_FORBIDDEN", "https://a b/x.mp4"),
    ("URI_FORBIDDEN", "https://a\\.b/x.mp4"),
    ("URI_FORBIDDEN", "https://[::1/x.mp4"),
    ("URI_FORBIDDEN", "https://host:99999/x.mp4"),
    ("URI_FORBIDDEN", "HTTP://example.org/x.mp4"),
    ("URI_FORBIDDEN", "file://elsewhere/good.mp4"),
    ("URI_FORBIDDEN", "file:good.mp4?x"),
    ("URI_FORBIDDEN", "file:good%00.mp4"),
    ("URI_FORBIDDEN", "a\u202e4pm.mp4"),
    ("URI_FORBIDDEN", "s3://UPPER/x.mp4"),
    ("URI_FORBIDDEN", "s3:///x.mp4"),
    ("URI_FORBIDDEN", "s3://bucket/" + "x" * 1025),
    ("URI_CREDENTIALS", "https://hunter2@example.org/x.mp4"),
    ("URI_CREDENTIALS", "https://good.org\\:hunter2@evil.org/x.mp4"),
    ("URI_FORBIDDEN", "https://host:port/x.mp4"),
    ("URI_FORBIDDEN", "s3://bucket"),
    ("URI_FORBIDDEN", "good.mp4\n"),
    ("URI_CREDENTIALS", "https://ann:hunter2@example.org/x.mp4"),
    ("URI_CREDENTIALS", "s3://key:hunter2@bucket/x.mp4"),
    ("PATH_FORBIDDEN", "../secret.txt"),
    ("PATH_FORBIDDEN", "/etc/passwd"),
    ("PATH_FORBIDDEN", "file:///etc/passwd"),
    ("PATH_FORBIDDEN", "/dev/zero"),
    ("PATH_FORBIDDEN", "link.mp4"),
    ("PATH_FORBIDDEN", "out/secret.txt"),
    ("PATH_FORBIDDEN", "sub/../../secret.txt"),
    ("PATH_FORBIDDEN", "file:..%2fsecret.txt"),
    ("PATH_FORBIDDEN", "round.mp4"),
    ("PATH_FORBIDDEN", "."),
    ("PATH_FORBIDDEN", "fifo.mp4"),
    ("PATH_FORBIDDEN", "sub"),
    ("SOURCE_MISSING", "absent.mp4"),
    ("SOURCE_MISSING", "lavfi"),
    ("SOURCE_MISSING", "good.mp4/x"),
    ("SOURCE_MISSING", "x" * 300),
    ("SOURCE_MISSING", "~/good.mp4"),
]


@pytest.mark.parametrize(("code", "source"), BAD)
def test_refused(folder: Path, code: str, source: str) -> None:
    assert parse_pointer("good.mp4", base=folder) == LocalPointer(folder / "good.mp4")
    with pytest.raises(SourceError) as caught:
        parse_pointer(source, base=folder)
    assert caught.value.code == code
    assert caught.value.fix
    assert "hunter2" not in str(caught.value)


def test_taken(folder: Path, tmp_path: Path) -> None:
    assert parse_pointer("inside.mp4", base=folder) == LocalPointer(folder / "good.mp4")
    assert parse_pointer(f"file://{folder}/good.mp4", base=folder) == LocalPointer(folder / "good.mp4")
    assert parse_pointer("../secret.txt", base=folder, roots=[tmp_path]) == LocalPointer(tmp_path / "secret.txt")
    for name in ("Recording 3.00\u202fPM \U0001f468\u200d\U0001f4bb.mp4", "./talk:1#a?b%20.mp4"):
        assert parse_pointer(name, base=folder) == LocalPointer((folder / name).resolve())
    assert parse_pointer("file:talk%3A1%23a%3Fb%2520.mp4", base=folder) == LocalPointer(folder / "talk:1#a?b%20.mp4")
    assert parse_pointer("s3://bucket//a?b#c", base=folder) == S3Pointer("bucket", "/a?b#c")
    assert parse_pointer("s3://bucket/a/b.mp4", base=folder) == S3Pointer("bucket", "a/b.mp4")
    https = parse_pointer("https://example.org/x.mp4", base=folder)
    assert isinstance(https, HttpPointer) and https.address == "https://example.org/x.mp4"
    assert isinstance(parse_pointer("http://example.org/x", base=folder, allow_http=True), HttpPointer)


def test_only_named_hosts_when_any_are_named(folder: Path) -> None:
    with pytest.raises(SourceError, match="allowed_hosts"):
        parse_pointer("https://example.com/x", base=folder, allowed_hosts=["example.org"])
    with pytest.raises(SourceError, match="allowed_hosts"):
        parse_pointer("s3://bucket/x", base=folder, allowed_hosts=["example.org", "s3://other"])
    assert parse_pointer("s3://bucket/x", base=folder, allowed_hosts=["s3://bucket"]) == S3Pointer("bucket", "x")


def test_naming_a_host_does_not_allow_plain_http(folder: Path) -> None:
    with pytest.raises(SourceError, match="plain http"):
        parse_pointer("http://example.org/x", base=folder, allowed_hosts=["example.org"])


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://Example.ORG./a.mp4#t=3", "https://example.org/a.mp4"),
        ("HTTPS://example.org:8443/a b.mp4?x=1", "https://example.org:8443/a b.mp4?x=1"),
        ("https://b\u00fccher.example/a.mp4", "https://xn--bcher-kva.example/a.mp4"),
        ("https://[2001:DB8::1]:1/a.mp4", "https://[2001:db8::1]:1/a.mp4"),
    ],
)
def test_an_address_is_written_one_way(folder: Path, written: str, address: str) -> None:
    assert parse_pointer(written, base=folder) == HttpPointer(address)
