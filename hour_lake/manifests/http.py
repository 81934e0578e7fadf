"""Our own download over http(s): each hop's name is resolved once, checked, and that very address connected to."""

import ipaddress
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from hour_lake.errors import SourceError
from hour_lake.manifests.incoming import Incoming
from hour_lake.manifests.pointer import HttpPointer, checked_address, host_of
from hour_lake.manifests.redact import place

HOPS = 5
TIMEOUT = urllib3.Timeout(connect=10, read=60)
REDIRECTS = (301, 302, 303, 307, 308)
MAY_PASS = (408, 425, 429)
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "hour-lake"}
GLOBAL_V6 = ipaddress.ip_network("2000::/3")
# Ways to write an IPv4 address as an IPv6 one: mapped, and through a translator (RFC 6052). 6to4 is met below.
V4_IN_V6 = (ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("64:ff9b::/96"))
# Public by the registry's words, yet the metadata service of a cloud (192.0.0.192) lies there.
PROTOCOL_V4 = ipaddress.ip_network("192.0.0.0/24")
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@contextmanager
def open_address(pointer: HttpPointer, *, chunk_bytes: int) -> Generator[Incoming]:
    """The content behind an address, through at most 5 redirects.

    SOURCE_MISSING, SOURCE_DENIED, SOURCE_UNAVAILABLE (may pass), URI_FORBIDDEN, URI_CREDENTIALS.
    """
    address = pointer.address
    for _ in range(HOPS):
        answer = _get(pointer, address)
        try:
            if answer.status not in REDIRECTS:
                _check_answer(answer, address)
                size = answer.headers.get("Content-Length")
                ends = size is not None or answer.chunked
                yield Incoming(_chunks(answer, address, chunk_bytes), None if size is None else int(size), ends)
                return
        finally:
            answer.close()
        target = urljoin(address, answer.headers.get("Location", ""))
        address = checked_address(target, allowed_hosts=pointer.allowed_hosts, allow_http=pointer.allow_http).address
    raise SourceError("URI_FORBIDDEN", "too many redirects", value=HOPS, where=place(address),
                      fix="give the address that it leads to in the end")  # fmt: skip


def _get(pointer: HttpPointer, address: str) -> Any:
    parts = urlsplit(address)
    host = host_of(parts)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    named = host in {name.lower() for name in pointer.allowed_hosts}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    for ip in (addresses := checked_addresses(host, port, named=named)):
        try:
            return _pool(parts.scheme, ip, host, port).request(
                "GET", target, headers={"Host": parts.netloc, **HEADERS}, redirect=False, preload_content=False
            )
        except (NewConnectionError, ConnectTimeoutError) as error:
            if ip == addresses[-1]:
                raise _unavailable(address, "no connection") from error
        except SSLError as error:
            raise SourceError("SOURCE_DENIED", "the server's certificate is not to be trusted", value=str(error),
                              where=place(address), fix="set it right; SSL_CERT_FILE may name your own authority") \
                from error  # fmt: skip
        except HTTPError as error:
            raise _unavailable(address, type(error).__name__) from error
    raise AssertionError("checked_addresses never gives none")


def _pool(scheme: str, ip: str, host: str, port: int) -> Any:
    """Connects to the address that was checked, while the certificate must be the host's. Reads no proxy settings."""
    common: dict[str, Any] = {"port": port, "timeout": TIMEOUT, "retries": False, "maxsize": 1}
    if scheme == "https":
        return urllib3.HTTPSConnectionPool(ip, server_hostname=host, assert_hostname=host, **common)
    return urllib3.HTTPConnectionPool(ip, **common)


def checked_addresses(host: str, port: int, *, named: bool) -> list[str]:
    """The addresses of a host, each of which may be connected to, else URI_FORBIDDEN.

    Private and loopback ones are for hosts that the settings name; link-local ones (cloud metadata) are for none.
    """
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise SourceError("SOURCE_UNAVAILABLE", "the host's name is not known", value=host, fix="check it") from error
    for text in found:
        ip = ipaddress.ip_address(text.partition("%")[0])
        if not (_is_own(ip) if named else _is_public(ip)):
            raise SourceError("URI_FORBIDDEN", "the host does not lead to a public address", value=f"{host} is {ip}",
                              fix="add the host to `allowed_hosts` if it is yours")  # fmt: skip
    return list(dict.fromkeys(found))


def _is_public(ip: Ip) -> bool:
    inner = _inner(ip)
    if isinstance(inner, ipaddress.IPv4Address):
        return inner.is_global and not inner.is_multicast and inner not in PROTOCOL_V4
    return inner in GLOBAL_V6 and inner.is_global


def _is_own(ip: Ip) -> bool:
    inner = _inner(ip)
    return not (inner.is_link_local or inner.is_multicast or inner.is_unspecified)


def _inner(ip: Ip) -> Ip:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if any(ip in network for network in V4_IN_V6):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.sixtofour or ip


def _check_answer(answer: Any, address: str) -> None:
    status, where = answer.status, place(address)
    if status in (404, 410):
        raise SourceError("SOURCE_MISSING", "there is nothing at this address", value=status, where=where,
                          fix="check the address")  # fmt: skip
    if 400 <= status < 500 and status not in MAY_PASS:
        raise SourceError("SOURCE_DENIED", "the server refuses", value=status, where=where,
                          fix="check access, or whether a presigned address has run out")  # fmt: skip
    if status != 200:
        raise _unavailable(address, f"status {status}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SourceError("SOURCE_DENIED", "the server packs the content though asked not to", where=where,
                          value=answer.headers["Content-Encoding"], fix="serve the file as it is")  # fmt: skip
    if not answer.headers.get("Content-Length", "0").isdecimal():
        raise _unavailable(address, "a Content-Length that is no number")


def _chunks(answer: Any, address: str, chunk_bytes: int) -> Iterator[bytes]:
    seen = 0
    try:
        # read1 gives what has come, so that the caller can watch the time of a server that sends byte by byte.
        while chunk := answer.read1(chunk_bytes, decode_content=False):
            seen += len(chunk)
            yield chunk
    except (HTTPError, OSError) as error:
        raise _unavailable(address, f"broke off after {seen} bytes") from error


def _unavailable(address: str, why: str) -> SourceError:
    return SourceError("SOURCE_UNAVAILABLE", "the download failed", value=why, where=place(address),
                       fix="run it again later")  # fmt: skip
