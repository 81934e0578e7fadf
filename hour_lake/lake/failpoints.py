"""Named places where a test can make the lake fail: `HOUR_LAKE_FAILPOINT=publish.built:kill@2`; else nothing.

kill@n     the process kills itself the n-th time it comes by, like a lost machine
raise@n    the disk refuses the n-th time (STORAGE_IO)
full@n     the disk is full the n-th time (STORAGE_FULL)
"""

import errno
import os
import signal
from pathlib import Path

from hour_lake.lake.faults import from_os

VARIABLE = "HOUR_LAKE_FAILPOINT"
# Read once, when the process starts: a write comes by thousands of times, and looking it up takes a microsecond.
_armed = os.environ.get(VARIABLE)
_passed: dict[str, int] = {}


def arm(failpoint: str) -> None:
    """What the variable does, in a process that runs already."""
    global _armed
    _armed = failpoint


def reached(name: str) -> None:
    """Say that a named place is reached; does nothing unless it is the one that was asked for."""
    if _armed is not None:
        _fail(name, _armed)


def _fail(name: str, failpoint: str) -> None:
    point, _, what = failpoint.partition(":")
    kind, _, turn = what.partition("@")
    if point != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] != int(turn or 1):
        return
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    number = errno.ENOSPC if kind == "full" else errno.EIO
    raise from_os(OSError(number, os.strerror(number)), Path(name))
