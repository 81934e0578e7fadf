"""Our own download over http(s): each hop's address is resolved once, must be public, and is the one connected to."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from hour_lake.errors import SourceError
from hour_lake.manifests.pointer import HttpPointer, checked_address

HOPS = 5
TIMEOUT = urllib3.Timeout(connect=10, read=60)
REDIRECTS = (301, 302, 303, 307, 308)


def open_address(pointer: HttpPointer, *, chunk_bytes: int) -> Iterator[bytes]:
    """The content in chunks, its length proved; SOURCE_MISSING, SOURCE_DENIED, SOURCE_UNAVAILABLE, URI_FORBIDDEN."""
    address = pointer.address
    for _ in range(HOPS):
        answer = _get(pointer, address)
        try:
            if answer.status not in REDIRECTS:
                yield from _content(answer, address, chunk_bytes)
                return
            address = urljoin(address, answer.headers.get("Location", ""))
            checked_address(address, allowed_hosts=pointer.allowed_hosts, allow_http=pointer.allow_http)
        finally:
            answer.release_conn()
            answer.close()
    raise SourceError("URI_FORBIDDEN", "too many redirects", value=HOPS, where=_without_query(address))


def _get(pointer: HttpPointer, address: str) -> Any:
    parts = urlsplit(address)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    ip = _public_address(host, port, allowed=host in pointer.allowed_hosts)
    common: dict[str, Any] = {"port": port, "timeout": TIMEOUT, "retries": False, "maxsize": 1}
    if parts.scheme == "https":
        pool: Any = urllib3.HTTPSConnectionPool(ip, server_hostname=host, assert_hostname=host, **common)
    else:
        pool = urllib3.HTTPConnectionPool(ip, **common)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        headers = {"Host": parts.netloc, "Accept-Encoding": "identity", "User-Agent": "hour-lake"}
        return pool.request("GET", path, headers=headers, redirect=False, preload_content=False)
    except urllib3.exceptions.HTTPError as error:
        raise _unavailable(address, type(error).__name__) from error


def _public_address(host: str, port: int, *, allowed: bool) -> str:
    """One address of a host. Private, loopback and link-local ones are refused unless the settings name the host."""
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise _unavailable(host, "the name is not known") from error
    for text in found:
        ip = ipaddress.ip_address(text.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if not allowed and (not ip.is_global or ip.is_multicast):
            raise SourceError("URI_FORBIDDEN", "the address is not a public one", value=f"{host} is {ip}",
                              fix="add the host to `allowed_hosts` if it is yours")  # fmt: skip
    return found[0]


def _content(answer: Any, address: str, chunk_bytes: int) -> Iterator[bytes]:
    where = _without_query(address)
    if answer.status in (404, 410):
        raise SourceError("SOURCE_MISSING", "there is nothing at this address", value=answer.status, where=where)
    if answer.status in (401, 403):
        raise SourceError("SOURCE_DENIED", "the server refuses", value=answer.status, where=where,
                          fix="check access, or whether a presigned address has run out")  # fmt: skip
    if answer.status != 200:
        raise _unavailable(address, f"status {answer.status}")
    seen, declared = 0, answer.headers.get("Content-Length")
    try:
        for chunk in answer.stream(chunk_bytes):
            seen += len(chunk)
            yield chunk
    except urllib3.exceptions.HTTPError as error:
        raise _unavailable(address, f"broke off after {seen} bytes") from error
    if declared is not None and seen != int(declared):
        raise _unavailable(address, f"{seen} of {declared} bytes came")


def _unavailable(address: str, why: str) -> SourceError:
    return SourceError("SOURCE_UNAVAILABLE", "the download failed", value=why, where=_without_query(address))


def _without_query(address: str) -> str:
    """Signatures of presigned addresses stay out of messages."""
    return address.partition("?")[0]
