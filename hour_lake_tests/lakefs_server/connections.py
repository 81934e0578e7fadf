"""The open connections of the server, so that one can be closed without an answer: ASGI itself cannot do that."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_open: dict[tuple[str, int], asyncio.Transport] = {}


class Connection(H11Protocol):
    """uvicorn's, known by the client's address while it is open."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Remember it."""
        super().connection_made(transport)
        if self.client:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self.client:
            _open.pop(self.client, None)
        super().connection_lost(exc)


def drop(scope: Any, *, gently: bool = False) -> None:
    """Close the connection of a request; gently: what was sent before still goes out."""
    transport = _open.get(tuple(scope["client"]))
    if transport is not None:
        transport.close() if gently else transport.abort()
