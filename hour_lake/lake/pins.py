"""Pins: commits that readers hold for as long as they live, in any process, so that no collection takes them."""

import fcntl
import os
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from hour_lake.lake.faults import storage_errors
from hour_lake.lake.held import hold, is_held, text_of

GATE = ".gate"  # readers pass it together, a collection alone: none is pinned between its look and its removal


class Pins:
    """The folder `pins`, one locked file in it for every reader, with the id of the commit that it reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def held(self, resolve: Callable[[], str]) -> Generator[str]:
        """Hold the commit that `resolve` gives; it is asked with no collection between the answer and the pin."""
        own = self.folder / uuid.uuid4().hex
        with storage_errors(self.folder), self._gate(fcntl.LOCK_SH):
            commit_id = resolve()
            lock = hold(own, commit_id)
        try:
            yield commit_id
        finally:
            own.unlink(missing_ok=True)
            os.close(lock)

    @contextmanager
    def closed(self) -> Generator[None]:
        """Nobody begins to read meanwhile."""
        with storage_errors(self.folder), self._gate(fcntl.LOCK_EX):
            yield

    def commits(self) -> set[str]:
        """Commits that living readers hold."""
        return {text for file in self._files() if is_held(file) and (text := text_of(file))}

    def dead(self) -> list[Path]:
        """Pins of readers that are gone. One that is just being made looks like this, too, except in `closed`."""
        return [file for file in self._files() if not is_held(file)]

    def sweep(self) -> int:
        """Remove the pins of the dead; how many."""
        with self.closed():
            dead = self.dead()
            for file in dead:
                file.unlink(missing_ok=True)
        return len(dead)

    def _files(self) -> Iterator[Path]:
        return (file for file in self.folder.iterdir() if file.name != GATE)

    @contextmanager
    def _gate(self, kind: int) -> Generator[None]:
        descriptor = os.open(self.folder / GATE, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)
