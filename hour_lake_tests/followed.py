"""A command that goes on, and what it says meanwhile."""

import queue
import signal
import subprocess
import sys
import threading

from hour_lake_tests.flow import Flow


class Followed:
    """`hour-lake` in a process of its own; both of its streams as one, line by line."""

    def __init__(self, flow: Flow, *arguments: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hour_lake", *arguments], cwd=flow.folder, env={**flow.environment, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, *words: str) -> str:
        """All that is said until each of these has been said."""
        said = ""
        while not all(word in said for word in words):
            try:
                said += self._lines.get(timeout=120)
            except queue.Empty:
                raise AssertionError(f"never said {words}:\n{said}") from None
        return said

    def interrupt(self) -> int:
        """Ctrl-C; gives the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=60)

    def kill(self) -> None:
        """Whatever it is at."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)
