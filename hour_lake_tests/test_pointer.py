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
    os.mkfifo(base / "fifo.mp4")
    return base


BAD = [
    ("URI_SCHEME", "gopher://host/x"),
    ("URI_SCHEME", "concat:good.mp4|good.mp4"),
    ("URI_SCHEME", "subfile,,start,0,end,9,,:good.mp4"),
    ("URI_SCHEME", "data:video/mp4;base64,AAAA"),
    ("URI_SCHEME", "ftp://host/x.mp4"),
    ("URI_FORBIDDEN", "http://example.org/x.mp4"),
    ("URI_FORBIDDEN", "https:///x.mp4"),
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
    ("PATH_FORBIDDEN", "fifo.mp4"),
    ("PATH_FORBIDDEN", "sub"),
    ("SOURCE_MISSING", "absent.mp4"),
    ("SOURCE_MISSING", "lavfi"),
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
    assert parse_pointer("s3://bucket/a/b.mp4", base=folder) == S3Pointer("bucket", "a/b.mp4")
    https = parse_pointer("https://example.org/x.mp4", base=folder)
    assert isinstance(https, HttpPointer) and https.address == "https://example.org/x.mp4"
    assert isinstance(parse_pointer("http://example.org/x", base=folder, allow_http=True), HttpPointer)


def test_only_named_hosts_when_any_are_named(folder: Path) -> None:
    with pytest.raises(SourceError, match="allowed_hosts"):
        parse_pointer("https://example.com/x", base=folder, allowed_hosts=["example.org"])
