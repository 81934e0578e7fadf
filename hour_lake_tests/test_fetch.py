"""Fetching, against a real server on loopback: addresses, redirects, lengths, digests; and S3 against moto."""

import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hour_lake.errors import SourceError
from hour_lake.manifests.fetch import file_signature, localise, signature
from hour_lake.manifests.pointer import HttpPointer, LocalPointer, S3Pointer
from hour_lake.settings import Limits

CONTENT = b"not really a video" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    hits = 0

    def do_GET(self) -> None:
        type(self).hits += 1
        match self.path.partition("?")[0]:
            case "/video.mp4":
                self._answer(200, CONTENT, len(CONTENT))
            case "/short.mp4":
                self._answer(200, CONTENT[:100], len(CONTENT))
            case "/inside":
                self._redirect("http://169.254.169.254/latest/meta-data")
            case "/loop":
                self._redirect("/loop")
            case "/moved":
                self._redirect("/video.mp4")
            case "/denied":
                self._answer(403, b"", 0)
            case "/busy":
                self._answer(503, b"", 0)
            case _:
                self._answer(404, b"", 0)

    def _answer(self, status: int, content: bytes, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def pointer(address: str, *, allowed: bool = True) -> HttpPointer:
    return HttpPointer(address, ("127.0.0.1",) if allowed else (), allow_http=True)


def test_a_remote_video_is_copied_once(server: str, tmp_path: Path) -> None:
    before = Handler.hits
    first = localise(pointer(f"{server}/moved"), cache=tmp_path, limits=Limits(), sha256=DIGEST)
    again = localise(pointer(f"{server}/moved"), cache=tmp_path, limits=Limits(), sha256=DIGEST)
    assert first == again
    assert first.path.read_bytes() == CONTENT
    assert Handler.hits - before == 2  # the redirect and the video
    assert [path.name for path in tmp_path.iterdir()] == [DIGEST]


BAD = [
    ("SOURCE_MISSING", "/absent"),
    ("SOURCE_DENIED", "/denied?X-Amz-Signature=hunter2"),
    ("SOURCE_UNAVAILABLE", "/busy"),
    ("SOURCE_UNAVAILABLE", "/short.mp4"),
    ("URI_FORBIDDEN", "/inside"),
    ("URI_FORBIDDEN", "/loop"),
]


@pytest.mark.parametrize(("code", "path"), BAD)
def test_what_goes_wrong_has_a_code_and_leaves_nothing(server: str, tmp_path: Path, code: str, path: str) -> None:
    with pytest.raises(SourceError) as caught:
        localise(pointer(server + path), cache=tmp_path, limits=Limits())
    assert caught.value.code == code
    assert caught.value.passing == (code == "SOURCE_UNAVAILABLE")
    assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"]
)
def test_addresses_that_are_not_public_are_refused(server: str, tmp_path: Path, host: str) -> None:
    before = Handler.hits
    port = server.rpartition(":")[2]
    with pytest.raises(SourceError) as caught:
        localise(pointer(f"http://{host}:{port}/video.mp4", allowed=False), cache=tmp_path, limits=Limits())
    assert caught.value.code == "URI_FORBIDDEN"
    assert Handler.hits == before


def test_a_content_that_differs_from_the_declared_digest(server: str, tmp_path: Path) -> None:
    local = tmp_path / "local.mp4"
    local.write_bytes(CONTENT)
    for source in (pointer(f"{server}/video.mp4"), LocalPointer(local)):
        with pytest.raises(SourceError) as caught:
            localise(source, cache=tmp_path / "cache", limits=Limits(), sha256="0" * 64)
        assert caught.value.code == "SOURCE_CHANGED"


def test_limits_on_bytes(server: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        localise(pointer(f"{server}/video.mp4"), cache=tmp_path, limits=Limits(max_bytes=1000))
    assert caught.value.code == "LIMIT_BYTES"


def test_the_signature_of_a_local_file_follows_its_writing(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    before = signature(LocalPointer(path))
    os.utime(path, ns=(0, 0))
    assert signature(LocalPointer(path)) != before
    assert file_signature(path) == signature(LocalPointer(path))


def test_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        _, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="videos")
        client.put_object(Bucket="videos", Key="a/b.mp4", Body=CONTENT)
        found = localise(S3Pointer("videos", "a/b.mp4"), cache=tmp_path, limits=Limits(), sha256=DIGEST)
        assert found.path.read_bytes() == CONTENT
        with pytest.raises(SourceError) as caught:
            localise(S3Pointer("videos", "absent"), cache=tmp_path, limits=Limits())
        assert caught.value.code == "SOURCE_MISSING"
    finally:
        server.stop()
