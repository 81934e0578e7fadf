"""One worker process as its parent sees it: start, ask, and kill when it hangs; each has a channel of its own.

Nothing is shared between workers, so one that is killed in the middle of a message takes nothing with it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from typing import Any

from hour_lake.errors import HourLakeError, MediaError, shown
from hour_lake.passes import wire

BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from hour_lake.passes.worker import serve; serve(*map(int, sys.argv[2:]))"
)
# Which GPU is meant (a number means another one in another order), how it is reached, where its code is kept.
GPU = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_MPS_PIPE_DIRECTORY", "CUDA_CACHE_PATH", "VK_DRIVER_FILES",
       "VK_ICD_FILENAMES")  # fmt: skip
# All that a worker gets to see of the environment: no credentials, no proxies, no addresses.
KEPT = ("HOUR_LAKE_MODELS", "HOUR_LAKE_PROFILE", "HOUR_LAKE_LAYERS", "HOUR_LAKE_DEVICE", "PATH", "HOME", "TMPDIR",
        "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", *GPU)  # fmt: skip
# One thread a library: processes are what runs side by side, and sums come out the same each time.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
           "OPENCV_FOR_THREADS_NUM", "ARROW_IO_THREADS")  # fmt: skip
ADDED = {**dict.fromkeys(THREADS, "1"), "MALLOC_ARENA_MAX": "2", "PYTHONHASHSEED": "0"}
START_SECONDS = 120.0


class WorkerProcess:
    """A started worker. `ask` gives a result or a coded error; when `alive` is false after that, a new one is due."""

    def __init__(self, *, memory_gib: float | None) -> None:
        ours, theirs = socket.socketpair()
        memory_bytes = int((memory_gib or 0) * 2**30)
        arguments = [json.dumps(sys.path), str(theirs.fileno()), str(os.getpid()), str(memory_bytes)]
        environment = {name: os.environ[name] for name in KEPT if name in os.environ} | ADDED
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-c", BOOT, *arguments], pass_fds=[theirs.fileno()], env=environment,
                stdin=subprocess.DEVNULL, stdout=2, start_new_session=True,
            )  # fmt: skip
        finally:
            theirs.close()
        self._channel = ours
        self._ready = False

    @property
    def alive(self) -> bool:
        """Whether it can take a task."""
        return self._process.poll() is None

    def ask(self, function: str, task: Any, *, seconds: float) -> Any:
        """The result of one task, or DECODER_TIMEOUT, DECODER_CRASH, WORKER_MEMORY, or what the task raised."""
        try:
            if not self._ready:
                wire.receive(self._channel, seconds=START_SECONDS)
                self._ready = True
            self._channel.settimeout(seconds)
            self._channel.sendall(wire.encode((function, task)))
            message = wire.receive(self._channel, seconds=seconds)
        except TimeoutError:
            self.kill()
            return MediaError("DECODER_TIMEOUT", "the work took longer than its limit", value=f"{seconds:g} s",
                              fix="raise segment_seconds_limit, or look at the file")  # fmt: skip
        except (EOFError, OSError):
            return self._crash()
        try:
            answer = wire.decode(message)
        except Exception as error:
            self.kill()
            return MediaError("DECODER_CRASH", "the process sent something that is no result", value=repr(error))
        if isinstance(answer, HourLakeError) and answer.code == "WORKER_MEMORY":
            self.kill()  # a heap that was full stays in pieces
        return answer

    def end(self) -> None:
        """Kill it and all that it started; from any thread, `ask` then returns at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End it and clean up after it; only by the thread that asks."""
        self.end()
        self._process.wait()
        self._channel.close()

    def _crash(self) -> HourLakeError:
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it has closed its channel and lives on
            status = None
        self.kill()
        if not self._ready:
            return HourLakeError("WORKER_START", "a worker process does not start", value=_ending(status),
                                 fix="its own words are on stderr; is limits.max_memory_gib too small?")  # fmt: skip
        hint = "the system may be out of memory" if status == -signal.SIGKILL else "look at the file"
        return MediaError("DECODER_CRASH", "the process that did the work died", value=_ending(status), fix=hint)


def _ending(status: int | None) -> str:
    if status is None:
        return "closed its channel"
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def with_place(error: HourLakeError, task: Any) -> HourLakeError:
    """The same error, with the task's own name as its place where it has none."""
    if error.where is None:
        error.where = task_name(task)
    return error


def task_name(task: Any) -> str:
    """What a person calls the task: its segment, or the first thing in it."""
    if isinstance(task, tuple) and task:
        return task_name(task[0])
    segment = getattr(task, "segment", None)
    return shown(getattr(task, "segment_id", None) or getattr(segment, "id", None) or getattr(task, "clip", task))
