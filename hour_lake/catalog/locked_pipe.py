"""The parent's end of the locked process: started bare, listened to with a deadline and a bound, ended for sure."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

SCRIPT = Path(__file__).parent / "locked_process.py"


class TooLong(Exception):
    """It has not said what was waited for in time."""


class TooMuch(Exception):
    """It says more than is taken."""


class Pipe:
    """Both ends of the process, read with a deadline and a bound."""

    def __init__(self, process: "subprocess.Popen[bytes]", most_bytes: int) -> None:
        self._process, self._most = process, most_bytes
        self._held = bytearray()

    def send(self, data: bytes) -> None:
        """All that it is told, once."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it died; reading says how

    def line(self, seconds: float) -> dict[str, Any]:
        """The next JSON line; what a process that died without a word stands for is a limit."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._held and self._more(deadline):
            pass
        first, found, rest = self._held.partition(b"\n")
        if not found:
            return {"code": "QUERY_LIMIT", "message": "the query process was ended by its limits"}
        self._held = rest
        return json.loads(first)

    def rest(self, seconds: float) -> bytes:
        """All that it still says, up to its end."""
        deadline = time.monotonic() + seconds
        while self._more(deadline):
            if len(self._held) > self._most:
                raise TooMuch
        return bytes(self._held)

    def _more(self, deadline: float) -> bool:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TooLong
        chunk = os.read(self._process.stdout.fileno(), 1 << 20)
        self._held += chunk
        return bool(chunk)


def start(errors: IO[bytes]) -> "subprocess.Popen[bytes]":
    """The locked process; -P keeps the script's folder off its path, and its environment holds no secret."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-P", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        env=kept, start_new_session=True, cwd="/", bufsize=0,
    )  # fmt: skip


def stop(process: "subprocess.Popen[bytes]", *, seconds: float) -> int:
    """Its exit status; what has not ended by itself after some seconds is killed."""
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        status = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    return status
