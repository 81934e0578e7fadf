"""The application: faults first, then presigned URLs, the API or the S3 gateway, each request in its own thread."""

import base64
import binascii
import hmac
import sys
import traceback
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from hour_lake_tests.lakefs_server import connections, faults, gateway, presigned, signature_v4, store
from hour_lake_tests.lakefs_server.api import (
    branches,
    commits,
    imports,
    objects,
    refs,
    repositories,
    staging,
    system,
    tags,
)
from hour_lake_tests.lakefs_server.call import Body, Call
from hour_lake_tests.lakefs_server.errors import ApiError
from hour_lake_tests.lakefs_server.router import BASE, find
from hour_lake_tests.lakefs_server.s3_errors import S3Error, answer
from hour_lake_tests.lakefs_server.server import Server

ROUTES = [
    route
    for module in (system, repositories, branches, refs, commits, objects, staging, tags, imports)
    for route in module.ROUTES
]


class App:
    """An ASGI application over one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.faults = faults.Faults()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        raw_path = scope["raw_path"].decode()
        if raw_path in (faults.PATH, faults.LOG_PATH):
            response = await self._about_faults(request, raw_path)
            await response(scope, receive, send)
            return
        query = scope["query_string"].decode()
        fault = self.faults.take(request.method, f"{raw_path}?{query}" if query else raw_path)
        sender = faults.Damaged(send, fault, self.faults.note(request.method, raw_path, query, fault))
        try:
            if fault is not None and fault.kind == "drop_request":
                pass
            elif fault is not None and fault.kind == "status":
                await Body.received(request)
                await JSONResponse({"message": "a fault that was ordered"}, fault.status)(scope, receive, sender)
            else:
                call = Call(request.method, raw_path, {}, request, await Body.received(request))
                response = await run_in_threadpool(self._answer, call)
                await response(scope, receive, sender)
        except ClientDisconnect:
            pass  # nothing was done: the request never was whole
        if fault is not None and fault.kind in faults.CUT:
            connections.drop(scope, gently=fault.kind == "short_body")
            # Until uvicorn has noticed: for an application that leaves an answer unfinished it would send a 500.
            while (await receive())["type"] != "http.disconnect":
                pass

    def _answer(self, call: Call) -> Response:
        """Whatever happens, a response."""
        try:
            if call.raw_path.startswith(store.PREFIX):
                return presigned.serve(self.server, call)
            if signature_v4.is_signed(call.headers, call.request.url.query) or not call.raw_path.startswith(BASE):
                return gateway.serve(self.server, call)
            return self._api(call)
        except S3Error as error:
            return answer(error, resource=call.raw_path)
        except ApiError as error:
            return JSONResponse(error.body, error.status, error.headers)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return JSONResponse({"message": f"internal: {error!r}"}, 500)

    def _api(self, call: Call) -> Response:
        route, path = find(ROUTES, call.method, call.raw_path)
        if route.needs_key:
            self._check_key(call)
        return route.handler(self.server, call._replace(path=path))

    def _check_key(self, call: Call) -> None:
        """401 unless the request brings the keys, as HTTP Basic."""
        kind, _, text = call.headers.get("authorization", "").partition(" ")
        wanted = f"{self.server.settings.access_key}:{self.server.settings.secret_key}".encode()
        try:
            if kind.lower() == "basic" and hmac.compare_digest(base64.b64decode(text), wanted):
                return
        except binascii.Error:
            pass
        raise ApiError(401, "error authenticating request")

    async def _about_faults(self, request: Request, path: str) -> Response:
        if request.method == "GET":
            return JSONResponse(self.faults.log() if path == faults.LOG_PATH else self.faults.waiting())
        if request.method == "DELETE":
            self.faults.clear_log() if path == faults.LOG_PATH else self.faults.clear()
            return Response(status_code=204)
        try:
            self.faults.add(await request.json())
        except (TypeError, ValueError) as error:
            return JSONResponse({"message": str(error)}, 400)
        return Response(status_code=201)
