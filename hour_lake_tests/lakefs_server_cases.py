"""What the tests of the lakeFS stand-in share: plain HTTP without a client's opinions, repositories of their own."""

import base64
import http.client
import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import pytest

from hour_lake_tests.lakefs_server.running import Running

if TYPE_CHECKING:
    import lakefs


class Answer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    server: Running, method: str, at: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **query: Any
) -> Answer:
    """One request to the API with the server's keys; `at` is a path below /api/v1, or a whole URL (then without)."""
    url = urlsplit(at if at.startswith("http") else f"{server.endpoint}/api/v1{at}")
    keys = base64.b64encode(f"{server.access_key}:{server.secret_key}".encode()).decode()
    sent = {} if at.startswith("http") else {"Authorization": f"Basic {keys}"}
    if body is not None and not isinstance(body, bytes):
        body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
    connection = http.client.HTTPConnection(url.netloc, timeout=20)
    asked = "&".join(part for part in (url.query, urlencode(query, doseq=True)) if part)
    connection.request(method, f"{url.path}?{asked}" if asked else url.path, body, {**sent, **(headers or {})})
    answer = connection.getresponse()
    found = Answer(answer.status, answer.headers, answer.read())
    connection.close()
    return found


def client_of(server: Running) -> Any:
    """A client of the `lakefs` package."""
    from lakefs.client import Client

    return Client(host=server.endpoint, username=server.access_key, password=server.secret_key)


def new_repository(server: Running) -> "lakefs.Repository":
    """A repository that no other test knows."""
    import lakefs

    name = f"r-{uuid.uuid4().hex[:12]}"
    return lakefs.Repository(name, client_of(server)).create(storage_namespace=f"s3://stand-in/{name}")


def put(branch: Any, **objects: bytes | None) -> None:
    """Upload objects through the server, or (None) delete them."""
    for path, data in objects.items():
        if data is None:
            branch.object(path).delete()
        else:
            branch.object(path).upload(data, pre_sign=False)


def commit(branch: Any, message: str = "a commit", **objects: bytes | None) -> str:
    """Upload or delete, and commit; the commit's id."""
    put(branch, **objects)
    return branch.commit(message).id


def contents(ref: Any) -> dict[str, bytes]:
    """Everything that a ref shows, read through the server."""
    return {o.path: ref.object(o.path).reader(pre_sign=False).read() for o in ref.objects()}


def path_of(repository: Any, *parts: str) -> str:
    """The path below /api/v1 of something in a repository."""
    return "/".join((f"/repositories/{repository.id}", *(quote(part, safe="/") for part in parts)))


@pytest.fixture
def repository(server: Running) -> Any:
    """A new one, on the server of the test's own file."""
    return new_repository(server)


@pytest.fixture
def main(repository: Any) -> Any:
    """Its branch."""
    return repository.branch("main")
