"""What runs inside a worker process: set limits, then answer one task after the other until the parent is gone.

Kept light: importing it loads no array, media or database library; a task's function brings what it needs.
"""

import ctypes
import faulthandler
import os
import resource
import signal
import socket
import sys
import traceback
from typing import Any

from hour_lake.errors import HourLakeError, MediaError
from hour_lake.passes import wire

PR_SET_PDEATHSIG = 1


def serve(fd: int, parent: int, memory_bytes: int) -> None:
    """Answer tasks on the inherited socket `fd`. `memory_bytes` 0: no limit (CUDA reserves far more than it uses)."""
    _die_with(parent)
    os.set_inheritable(fd, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # what a layer prints, also when killed
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    channel = socket.socket(fileno=fd)
    channel.sendall(wire.encode("ready"))
    while True:
        try:
            message = wire.receive(channel)
        except (EOFError, OSError):
            return
        channel.sendall(answer(message))


def answer(message: bytes | bytearray) -> bytes:
    """The encoded result of one task, or a coded error in its place."""
    try:
        function, task = wire.decode(message)
        return wire.encode(wire.found(function)(task))
    except HourLakeError as error:
        return wire.encode(error)
    except MemoryError as error:
        return wire.encode(out_of_memory(str(error)))
    except BaseException as error:  # also SystemExit: a task must not be able to end its worker unseen
        return wire.encode(unexpected(error))


def out_of_memory(detail: str) -> HourLakeError:
    """WORKER_MEMORY; the worker is started anew after it."""
    return MediaError("WORKER_MEMORY", "the work needs more memory than a worker may use", value=detail or None,
                      fix="raise limits.max_memory_gib")  # fmt: skip


def unexpected(error: BaseException) -> HourLakeError:
    """An exception that nobody has given a code: a fault of ours, with its place."""
    frames: Any = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
    return HourLakeError("UNEXPECTED", f"{type(error).__name__} in a worker", value=str(error), where=where)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends; `parent` may be gone already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
