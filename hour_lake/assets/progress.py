"""How far a run is, told to whoever listens in this process: the command line does, a daemon's run has none."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol


class Listener(Protocol):
    """Something that shows progress."""

    def started(self, what: str, total: int) -> None:
        """A step begins, with so many items."""
        ...

    def advanced(self, what: str, *, done: int = 0, skipped: int = 0, failed: int = 0) -> None:
        """Items of a step ended."""
        ...

    def finished(self, what: str, seconds: float) -> None:
        """A step ended."""
        ...


class _Silent:
    def started(self, what: str, total: int) -> None: ...
    def advanced(self, what: str, *, done: int = 0, skipped: int = 0, failed: int = 0) -> None: ...
    def finished(self, what: str, seconds: float) -> None: ...


_listener: Listener = _Silent()


def listener() -> Listener:
    """The one that listens now."""
    return _listener


@contextmanager
def listening(to: Listener) -> Generator[None]:
    """Send progress to a listener for the length of a block."""
    global _listener
    before, _listener = _listener, to
    try:
        yield
    finally:
        _listener = before
