"""Fetching, against a real server on loopback: addresses, redirects, lengths, digests; and S3 against moto."""

import contextlib
import errno
import hashlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hour_lake.errors import SourceError
from hour_lake.manifests.fetch import file_signature, localise, signature
from hour_lake.manifests.http import checked_addresses
from hour_lake.manifests.pointer import HttpPointer, LocalPointer, S3Pointer
from hour_lake.manifests.s3 import refusal
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
            case "/slow_down":
                self._answer(429, b"", 0)
            case "/teapot":
                self._answer(418, b"", 0)
            case "/wrong_length":
                self._answer(200, CONTENT, "many")
            case "/packed":
                self._answer(200, CONTENT, len(CONTENT), {"Content-Encoding": "gzip"})
            case "/without_length":
                self._answer(200, CONTENT, None)
            case "/chunked" | "/chunked_short":
                self.protocol_version = "HTTP/1.1"
                self._answer(200, b"", None, {"Transfer-Encoding": "chunked"})
                end = b"0\r\n\r\n" if self.path == "/chunked" else b""
                self.wfile.write(b"%x\r\n%s\r\n" % (len(CONTENT), CONTENT) + end)
                self.close_connection = True
            case "/endless":
                self._answer(200, b"", None)
                with contextlib.suppress(OSError):
                    while True:
                        self.wfile.write(b"x")
                        time.sleep(0.005)
            case "/to":
                self._redirect(self.path.partition("?")[2])
            case _:
                self._answer(404, b"", 0)

    def _answer(self, status: int, content: bytes, length: object, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), **({} if length is None else {"Content-Length": str(length)})}.items():
            self.send_header(name, value)
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
    with serving() as port:
        yield f"http://127.0.0.1:{port}"


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
    ("SOURCE_UNAVAILABLE", "/slow_down"),
    ("SOURCE_UNAVAILABLE", "/wrong_length"),
    ("SOURCE_UNAVAILABLE", "/chunked_short"),
    ("SOURCE_DENIED", "/teapot"),
    ("SOURCE_DENIED", "/packed"),
    ("SOURCE_UNPROVED", "/without_length"),
    ("LIMIT_WALL", "/endless"),
    ("URI_SCHEME", "/to?ftp://127.0.0.1/video.mp4"),
    ("URI_SCHEME", "/to?gopher://127.0.0.1:70/video.mp4"),
    ("URI_FORBIDDEN", "/to?file:///etc/passwd"),
    ("URI_FORBIDDEN", "/to?http://[::ffff:127.0.0.1]/video.mp4"),
    ("URI_CREDENTIALS", "/to?http://ann:hunter2@127.0.0.1/video.mp4"),
    ("SOURCE_UNAVAILABLE", "/short.mp4"),
    ("URI_FORBIDDEN", "/inside"),
    ("URI_FORBIDDEN", "/loop"),
]


@pytest.mark.parametrize(("code", "path"), BAD)
def test_what_goes_wrong_has_a_code_and_leaves_nothing(server: str, tmp_path: Path, code: str, path: str) -> None:
    with pytest.raises(SourceError) as caught:
        localise(pointer(server + path), cache=tmp_path, limits=Limits(max_wall_seconds=0.3))
    assert caught.value.code == code
    assert caught.value.fix
    assert caught.value.passing == (code == "SOURCE_UNAVAILABLE")
    assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/chunked", "/without_length"])
def test_a_content_of_unknown_length_is_taken_when_its_end_is_proved(server: str, tmp_path: Path, path: str) -> None:
    declared = None if path == "/chunked" else DIGEST
    assert localise(pointer(server + path), cache=tmp_path, limits=Limits(), sha256=declared).size_bytes == len(CONTENT)


def test_a_cached_file_that_has_changed_is_fetched_again(server: str, tmp_path: Path) -> None:
    found = localise(pointer(f"{server}/video.mp4"), cache=tmp_path, limits=Limits(), sha256=DIGEST)
    found.path.write_bytes(b"rotten")
    again = localise(pointer(f"{server}/video.mp4"), cache=tmp_path, limits=Limits(), sha256=DIGEST)
    assert again.path.read_bytes() == CONTENT


def test_an_address_signed_anew_is_the_same_file(server: str, tmp_path: Path) -> None:
    one, other = (pointer(f"{server}/video.mp4?X-Amz-Date={day}&X-Amz-Signature=hunter{day}") for day in (1, 2))
    assert signature(one) == signature(other) == f"{server}/video.mp4"
    before = Handler.hits
    assert localise(one, cache=tmp_path, limits=Limits()) == localise(other, cache=tmp_path, limits=Limits())
    assert Handler.hits == before + 1


NOT_PUBLIC = [
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "100.100.100.200", "169.254.169.254",
    "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:0:7f00:1",
    "::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%1", "ff02::1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("ip", NOT_PUBLIC)
def test_a_name_that_leads_inside_is_refused_though_its_first_address_is_public(
    monkeypatch: pytest.MonkeyPatch, ip: str
) -> None:
    resolver_gives(monkeypatch, ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
    assert len(checked_addresses("good.example", 443, named=False)) == 3
    resolver_gives(monkeypatch, ["1.1.1.1", ip])
    with pytest.raises(SourceError) as caught:
        checked_addresses("bad.example", 443, named=False)
    assert caught.value.code == "URI_FORBIDDEN"


@pytest.mark.parametrize(
    ("ip", "taken"),
    [("127.0.0.1", True), ("10.0.0.1", True), ("fd12::1", True), ("169.254.169.254", False), ("fe80::1", False),
     ("::ffff:169.254.169.254", False), ("0.0.0.0", False), ("224.0.0.1", False)],
)  # fmt: skip
def test_a_host_that_the_settings_name_may_be_inside_but_never_be_cloud_metadata(
    monkeypatch: pytest.MonkeyPatch, ip: str, taken: bool
) -> None:
    resolver_gives(monkeypatch, [ip])
    with contextlib.nullcontext() if taken else pytest.raises(SourceError, match="URI_FORBIDDEN"):
        assert checked_addresses("inside.example", 443, named=True) == [ip]


def resolver_gives(monkeypatch: pytest.MonkeyPatch, ips: list[str]) -> None:
    def answer(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ips]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_a_name_is_resolved_once_a_hop_and_that_address_connected_to(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that flips: harmless when checked, something else a moment later."""
    port, asked = int(server.rpartition(":")[2]), list[str]()
    own = socket.getaddrinfo

    def flip(host: str, *rest: object, **options: object) -> object:
        if host != "flip.example":
            return own(host, *rest, **options)  # the connection to the address itself
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port))]

    monkeypatch.setattr(socket, "getaddrinfo", flip)
    address = HttpPointer(f"http://flip.example:{port}/video.mp4", ("flip.example",), allow_http=True)
    assert localise(address, cache=tmp_path, limits=Limits()).size_bytes == len(CONTENT)
    assert asked == ["flip.example"]


def test_the_next_address_is_tried_when_nothing_listens_at_the_first(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hour_lake.manifests.http.checked_addresses", lambda *_, **__: ["127.0.0.2", "127.0.0.1"])
    assert localise(pointer(f"{server}/video.mp4"), cache=tmp_path, limits=Limits()).size_bytes == len(CONTENT)
    monkeypatch.setattr("hour_lake.manifests.http.checked_addresses", lambda *_, **__: ["127.0.0.2", "127.0.0.3"])
    with pytest.raises(SourceError, match="no connection"):
        localise(pointer(f"{server}/video.mp4"), cache=tmp_path / "other", limits=Limits())


def test_proxies_of_the_environment_are_not_used(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert localise(pointer(f"{server}/video.mp4"), cache=tmp_path, limits=Limits()).size_bytes == len(CONTENT)


def test_https_needs_a_certificate_of_the_host_by_an_authority_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make_certificate(certificate, key)
    with serving(certificate, key) as port:
        named = ("localhost", "127.0.0.1")
        right, other = (HttpPointer(f"https://{host}:{port}/video.mp4", named) for host in named)
        with pytest.raises(SourceError, match="certificate") as caught:
            localise(right, cache=tmp_path / "cache", limits=Limits())
        assert caught.value.code == "SOURCE_DENIED"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert localise(right, cache=tmp_path / "cache", limits=Limits()).size_bytes == len(CONTENT)
        with pytest.raises(SourceError, match="certificate"):  # trusted, but not this host's
            localise(other, cache=tmp_path / "cache", limits=Limits())


def make_certificate(certificate: Path, key: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(secret.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )  # fmt: skip
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(secret.private_bytes(*form))


@contextlib.contextmanager
def serving(certificate: Path | None = None, key: Path | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # a client that hangs up is part of these tests
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "STORAGE_FULL"), (errno.EIO, "STORAGE_IO")])
def test_a_disk_that_does_not_take_it(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(SourceError) as caught:
        localise(pointer(f"{server}/video.mp4"), cache=tmp_path, limits=Limits())
    assert (caught.value.code, caught.value.passing) == (code, True)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="STORAGE_IO"):
        localise(pointer(f"{server}/video.mp4"), cache=tmp_path / "file" / "cache", limits=Limits())


def test_a_local_file_that_became_something_else_since_it_was_parsed(tmp_path: Path) -> None:
    good, link, pipe = (tmp_path / name for name in ("good.mp4", "link.mp4", "pipe.mp4"))
    good.write_bytes(CONTENT)
    link.symlink_to(good)
    os.mkfifo(pipe)
    assert localise(LocalPointer(good), cache=tmp_path, limits=Limits(), sha256=DIGEST).path == good
    for path, code in ((tmp_path / "gone", "SOURCE_MISSING"), (link, "PATH_FORBIDDEN"), (pipe, "PATH_FORBIDDEN")):
        with pytest.raises(SourceError) as caught:
            localise(LocalPointer(path), cache=tmp_path, limits=Limits())
        assert caught.value.code == code
    with pytest.raises(SourceError, match="LIMIT_BYTES"):
        localise(LocalPointer(good), cache=tmp_path, limits=Limits(max_bytes=10))


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
    for path in ("/video.mp4", "/chunked", "/endless?X-Amz-Signature=hunter2"):
        with pytest.raises(SourceError) as caught:
            localise(pointer(server + path), cache=tmp_path, limits=Limits(max_bytes=100))
        assert caught.value.code == "LIMIT_BYTES"
        assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_signature_of_a_local_file_follows_its_writing(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    before = signature(LocalPointer(path))
    os.utime(path, ns=(0, 0))
    assert signature(LocalPointer(path)) != before
    assert file_signature(path) == signature(LocalPointer(path))


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://127.0.0.1:{1}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(store: str, monkeypatch: pytest.MonkeyPatch) -> str:
    import boto3

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL_S3": store, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="videos")
    client.put_object(Bucket="videos", Key="a/b.mp4", Body=CONTENT)
    client.put_object(Bucket="videos", Key="/odd?name#1", Body=b"odd")
    return "videos"


def test_an_object_is_copied(bucket: str, tmp_path: Path) -> None:
    found = localise(S3Pointer(bucket, "a/b.mp4"), cache=tmp_path, limits=Limits(), sha256=DIGEST)
    assert found.path.read_bytes() == CONTENT
    odd = localise(S3Pointer(bucket, "/odd?name#1"), cache=tmp_path, limits=Limits())
    assert odd.path.read_bytes() == b"odd"
    assert signature(S3Pointer(bucket, "a/b.mp4")) == "s3://videos/a/b.mp4"


def test_what_goes_wrong_with_objects_has_a_code(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def code(pointer: S3Pointer, limits: Limits = Limits(), sha256: str | None = None) -> str:  # noqa: B008
        with pytest.raises(SourceError) as caught:
            localise(pointer, cache=tmp_path, limits=limits, sha256=sha256)
        assert caught.value.fix
        return caught.value.code

    good = S3Pointer(bucket, "a/b.mp4")
    assert code(S3Pointer(bucket, "absent")) == "SOURCE_MISSING"
    assert code(S3Pointer("no-such-bucket", "x")) == "SOURCE_MISSING"
    assert code(S3Pointer("not a bucket", "x")) == "URI_FORBIDDEN"
    assert code(good, Limits(max_bytes=10)) == "LIMIT_BYTES"
    assert code(good, sha256="0" * 64) == "SOURCE_CHANGED"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert code(good) == "SOURCE_DENIED"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert code(good) == "SOURCE_UNAVAILABLE"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "word", "code"),
    [(403, "AccessDenied", "SOURCE_DENIED"), (400, "ExpiredToken", "CREDENTIALS_EXPIRED"),
     (503, "SlowDown", "SOURCE_UNAVAILABLE"), (404, "NoSuchKey", "SOURCE_MISSING")],
)  # fmt: skip
def test_what_a_store_answers(status: int, word: str, code: str) -> None:
    response = {"Error": {"Code": word}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = refusal(response, "s3://b/k")
    assert (error.code, error.passing) == (code, code in ("CREDENTIALS_EXPIRED", "SOURCE_UNAVAILABLE"))
