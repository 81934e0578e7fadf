"""Which handler answers which request of the API; segments are decoded one by one, so a name may hold %2F."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from starlette.responses import Response

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.errors import ApiError
from hour_lake_tests.lakefs_server.server import Server

BASE = "/api/v1"
Handler = Callable[[Server, Call], Response]


class Route(NamedTuple):
    """A method and a path like `/repositories/{repository}`."""

    method: str
    template: str
    handler: Handler
    needs_key: bool = True


class Match(NamedTuple):
    """The route for a request, and what its path says."""

    route: Route
    path: dict[str, str]


def find(routes: Sequence[Route], method: str, raw_path: str) -> Match:
    """404 when nothing has this path, 405 when it has other methods."""
    parts = [unquote(part) for part in raw_path.removeprefix(BASE).strip("/").split("/")]
    there = False
    for route in routes:
        path = _fit(route.template.strip("/").split("/"), parts)
        if path is not None and route.method == method:
            return Match(route, path)
        there = there or path is not None
    raise ApiError(405, "method not allowed") if there else ApiError(404, "invalid API endpoint")


def _fit(template: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    if len(template) != len(parts):
        return None
    path: dict[str, str] = {}
    for name, part in zip(template, parts, strict=True):
        if name.startswith("{"):
            path[name[1:-1]] = part
        elif name != part:
            return None
    return path
