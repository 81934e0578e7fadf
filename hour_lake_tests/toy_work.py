"""Tasks for worker processes, good and bad; workers import them by name."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hour_lake.errors import MediaError


@dataclass(frozen=True)
class Job:
    """What to do and with what."""

    segment_id: str
    kind: str
    number: int = 0


def work(job: Job) -> Any:
    """Good jobs give their number and their process."""
    match job.kind:
        case "good":
            return job.number, os.getpid()
        case "slow":
            time.sleep(0.2)
            return job.number, os.getpid()
        case "hang":
            # As a decoder does: in C, with the interpreter lock held, deaf to signals that have handlers.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
            ctypes.PyDLL(None).sleep(60)
        case "hang with child":
            child = subprocess.Popen(["sleep", "60"])
            Path(job.segment_id).write_text(str(child.pid))
            time.sleep(60)
        case "segv" | "kill" | "abrt":
            os.kill(os.getpid(), {"segv": signal.SIGSEGV, "kill": signal.SIGKILL, "abrt": signal.SIGABRT}[job.kind])
            time.sleep(60)
        case "leave":
            os._exit(3)
        case "exit":
            sys.exit(3)
        case "memory":
            return len(bytearray(64 * 2**30))
        case "raise":
            raise ValueError("no such thing")
        case "coded":
            raise MediaError("TRUNCATED", "ends early", value="1 of 2", where="a.mp4", fix="copy it again")
        case "function":
            return work
        case "noise":
            print("a layer that prints")
            return "printed"
        case "facts":
            return facts()
        case "sleep":
            Path(job.segment_id).write_text(str(os.getpid()))
            time.sleep(60)
        case _:
            raise AssertionError(job.kind)
    return None


def facts() -> dict[str, Any]:
    """What a worker process sees and has loaded."""
    import resource

    return {
        "environment": dict(os.environ),
        "modules": sorted(sys.modules),
        "address_space": resource.getrlimit(resource.RLIMIT_AS)[0],
        "session": os.getsid(0) == os.getpid(),
        "path": sys.path,
    }


def echo(value: Any) -> Any:
    """The same again."""
    return value
