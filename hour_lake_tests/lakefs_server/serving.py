"""A server of our own on a port, for as long as the process runs."""

import socket

import uvicorn

from hour_lake_tests.lakefs_server.app import App
from hour_lake_tests.lakefs_server.connections import Connection
from hour_lake_tests.lakefs_server.server import Server


def serve(server: Server, *, host: str, port: int) -> None:
    """Listen, say where in one line, and answer until the process is told to end; port 0 picks a free one."""
    listening = socket.create_server((host, port))
    # asyncio does this only for sockets that say they are TCP, and these do not: 40 ms for every answer with a body.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(f"http://{host}:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        App(server), http=Connection, ws="none", lifespan="off", loop="asyncio", log_level="error", access_log=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])
