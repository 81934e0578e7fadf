"""One file out of a zip at an https address: of a limited size, and opened only once its digest is right."""

import hashlib
import tempfile
import zipfile
from functools import lru_cache
from typing import IO, Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from hour_lake.errors import ModelError

SCHEMES = ("https",)
TIMEOUT_SECONDS, LIMIT_BYTES, PIECE_BYTES = 60, 1 << 30, 1 << 20


class _Redirects(HTTPRedirectHandler):
    """A redirect may lead to another host, never to another scheme."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The next request, if its address is allowed."""
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def member_of_url(url: str, member: str, sha256: str) -> bytes:
    """The bytes of one member of the zip at `url`. MODEL_MISSING: it cannot be had; MODEL_REFUSED: another digest."""
    try:
        return _archive(url, sha256).read(member)
    except KeyError as error:
        raise _missing(url, f"the archive holds no {member}") from error


@lru_cache(maxsize=1)
def _archive(url: str, sha256: str) -> zipfile.ZipFile:
    """The last one is kept, since models often share one."""
    _check(url)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the archive that reads it
    digest, size = hashlib.sha256(), 0
    try:
        with build_opener(_Redirects).open(url, timeout=TIMEOUT_SECONDS) as answer:
            while piece := answer.read(PIECE_BYTES):
                size += len(piece)
                if size > LIMIT_BYTES:
                    raise _refused(url, f"more than {LIMIT_BYTES} bytes")
                digest.update(piece)
                file.write(piece)
    except (URLError, OSError) as error:
        raise _missing(url, str(error)[-160:]) from error
    if digest.hexdigest() != sha256:
        raise _refused(url, f"sha256 {digest.hexdigest()[:12]} instead of {sha256[:12]}")
    return zipfile.ZipFile(file)


def _check(url: str) -> None:
    if urlsplit(url).scheme not in SCHEMES:
        raise _refused(url, f"the address is not {' or '.join(SCHEMES)}")


def _missing(url: str, why: str) -> ModelError:
    return ModelError("MODEL_MISSING", f"{url} cannot be had", value=why, fix="check the network, then try again")


def _refused(url: str, why: str) -> ModelError:
    return ModelError("MODEL_REFUSED", "an archive of weights is refused", value=why, where=url,
                      fix="tell who keeps the registry; do not use it")  # fmt: skip
