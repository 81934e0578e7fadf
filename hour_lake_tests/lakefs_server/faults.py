"""Faults that a test orders over HTTP: an answer that is lost, refused, slow or cut short.

    POST   /_faults      {"kind": ..., "method": "POST", "path": "regular expression", "times": 1, "after": 0, ...}
    GET    /_faults      those that are still waiting
    DELETE /_faults      forget them
    GET    /_faults/log  the requests seen: method, path, query, status (null: no answer), fault
    DELETE /_faults/log  forget those

status        answer with `status` (423, 429, 503, 500, ...) and do nothing
drop_request  close the connection and do nothing
lost_answer   do what is asked, then close the connection without an answer
slow_body     wait `seconds` before every piece of `piece_bytes` of the answer's body
short_body    send half of the answer's body, then close the connection
flipped_body  send a body of the right length in which one bit is wrong
"""

import asyncio
import re
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Literal, get_args

Kind = Literal["status", "drop_request", "lost_answer", "slow_body", "short_body", "flipped_body"]
CUT = {"drop_request", "lost_answer", "short_body"}  # these end with the connection
PATH = "/_faults"
LOG_PATH = "/_faults/log"


@dataclass
class Fault:
    """What happens to the next `times` requests that fit, after `after` of them have passed untouched."""

    kind: Kind
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    after: int = 0
    status: int = 503
    seconds: float = 0.1
    piece_bytes: int = 1 << 16

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown kind of fault: {self.kind!r}; there are {', '.join(get_args(Kind))}")

    def fits(self, method: str, path: str) -> bool:
        """Whether a request is meant; `path` is found anywhere in its path and query."""
        return re.fullmatch(self.method, method) is not None and re.search(self.path, path) is not None


class Faults:
    """Faults in waiting and the log of requests; used from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[Fault] = []
        self._log: list[dict[str, Any]] = []

    def add(self, wanted: dict[str, Any]) -> None:
        """Order a fault; TypeError or ValueError when it is none."""
        fault = Fault(**wanted)
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """Faults that have not happened as often as they were ordered."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for a request: the first that fits and has let enough pass."""
        with self._lock:
            for fault in self._waiting:
                if not fault.fits(method, path):
                    continue
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None

    def note(self, method: str, path: str, query: str, fault: Fault | None) -> dict[str, Any]:
        """Add a request to the log; its `status` is filled in once there is one."""
        entry = {"method": method, "path": path, "query": query, "status": None, "fault": fault and fault.kind}
        with self._lock:
            self._log.append(entry)
        return entry

    def log(self) -> list[dict[str, Any]]:
        """Requests in the order in which they came."""
        with self._lock:
            return [dict(entry) for entry in self._log]

    def clear_log(self) -> None:
        """Forget the requests."""
        with self._lock:
            self._log.clear()


class Damaged:
    """The `send` of one request, with its fault applied; the connection is closed by whoever uses it."""

    def __init__(self, send: Any, fault: Fault | None, entry: dict[str, Any]) -> None:
        self.send = send
        self.fault = fault
        self.entry = entry
        self._flipped = False
        self._left: int | None = None  # bytes until a short body is cut

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message of ASGI on, or not, or in pieces."""
        kind = self.fault.kind if self.fault else None
        if kind == "lost_answer":
            return
        if message["type"] == "http.response.start":
            self.entry["status"] = message["status"]
            sizes = [int(value) for name, value in message["headers"] if name.lower() == b"content-length"]
            self._left = sizes[0] // 2 if sizes and kind == "short_body" else None
        elif kind == "slow_body":
            await self._send_slowly(message)
            return
        elif self._left is not None:
            await self._send_half(message)
            return
        elif kind == "flipped_body" and message.get("body") and not self._flipped:
            self._flipped = True
            message = {**message, "body": bytes([message["body"][0] ^ 1]) + message["body"][1:]}
        await self.send(message)

    async def _send_slowly(self, message: MutableMapping[str, Any]) -> None:
        assert self.fault is not None
        body, size = message.get("body", b""), self.fault.piece_bytes
        for start in range(0, len(body), size):
            await asyncio.sleep(self.fault.seconds)
            await self.send({**message, "body": body[start : start + size], "more_body": True})
        await self.send({**message, "body": b""})

    async def _send_half(self, message: MutableMapping[str, Any]) -> None:
        assert self._left is not None
        body = message.get("body", b"")[: self._left]
        self._left -= len(body)
        if body:
            await self.send({**message, "body": body, "more_body": True})
