"""One request as the handlers see it: path parameters, query, headers, and a body that may be larger than memory."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from starlette.requests import Request

from hour_lake_tests.lakefs_server.errors import ApiError, invalid

IN_MEMORY_BYTES = 4 << 20
TRUE = {"true", "1", "t"}
METADATA = {"metadata", "user_metadata", "set"}


class Body:
    """What was sent; `md5` and `size_bytes` are those of the whole body."""

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  goes with the request
        self.size_bytes = 0
        self._md5 = hashlib.md5()

    @staticmethod
    async def received(request: Request) -> "Body":
        """Take in the whole body; nothing is done when the client goes away before."""
        body = Body()
        async for chunk in request.stream():
            body.add(chunk)
        return body

    def add(self, chunk: bytes) -> None:
        """Append bytes."""
        self.file.write(chunk)
        self.size_bytes += len(chunk)
        self._md5.update(chunk)

    @property
    def md5(self) -> str:
        """32 hex digits."""
        return self._md5.hexdigest()

    def read(self) -> bytes:
        """All of it."""
        self.file.seek(0)
        return self.file.read()

    def save(self, file: Path) -> None:
        """Write it to a file, whole or not at all."""
        draft = file.with_name(f".{file.name}.new")
        self.file.seek(0)
        with draft.open("wb") as writer:
            shutil.copyfileobj(self.file, writer)
        draft.replace(file)


class Call(NamedTuple):
    """A request that was read to its end."""

    method: str
    raw_path: str  # still percent-encoded
    path: Mapping[str, str]
    request: Request
    body: Body

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, whatever its case."""
        return self.request.headers

    @property
    def host(self) -> str:
        """host:port as the client knows us."""
        return self.request.headers.get("host", "localhost")

    def query(self, name: str, default: str = "") -> str:
        """One parameter of the query."""
        return self.request.query_params.get(name, default)

    def needed(self, name: str) -> str:
        """One parameter of the query; 400 without it."""
        if name not in self.request.query_params:
            raise ApiError(400, f'query parameter "{name}" has an error: value is required but missing')
        return self.request.query_params[name]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A parameter that is true or false."""
        return self.query(name, str(default)).lower() in TRUE

    def json(self, **required: type) -> dict[str, Any]:
        """The body as an object that has these fields, of these types; its metadata all text; 400."""
        try:
            found: Any = json.loads(self.body.read() or b"{}")
        except ValueError as error:
            raise invalid(f"request body: {error}") from error
        if not isinstance(found, dict):
            raise invalid("request body: not an object")
        for name, kind in required.items():
            if not isinstance(found.get(name), kind):
                raise ApiError(400, f'request body has an error: property "{name}" is missing or no {kind.__name__}')
        for name in METADATA & found.keys():
            check_metadata(found[name] or {})
        return found


def check_metadata(metadata: Any) -> None:
    """400 unless text is said of text."""
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for pair in metadata.items() for text in pair):
        raise ApiError(400, "request body has an error: metadata must map text to text")
