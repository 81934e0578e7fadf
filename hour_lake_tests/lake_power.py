"""What a disk holds after a power cut: only what had been synced is sure, of everything else any part may be there.

A file's bytes are sure once the file was synced; a name is sure once its folder was. SQLite syncs its own files, with
`synchronous=FULL` at the end of every transaction: its database is taken as it was after the last one.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from hour_lake_tests.lake_storage import Do, Operation, watched

FOLDER = -1  # stands for the bytes of a folder, which has none


class Recorder:
    """All operations below a folder in the order in which they ended, with what a sync or a commit made durable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[tuple[Operation, dict[str, bytes]]] = []
        self._lock = Lock()

    @contextmanager
    def recording(self) -> Iterator[None]:
        with watched(self.folder, self._seen):
            yield

    def acknowledged(self, line: str) -> None:
        """Something that a writer was told: it must be true of every power cut from here on."""
        self.steps.append((Operation("told", line), {}))

    def _seen(self, operation: Operation, do: Do) -> Any:
        with self._lock:  # one at a time, so that the order is known
            result = do()
            self.steps.append((operation, self._synced(operation)))
        return result

    def _synced(self, operation: Operation) -> dict[str, bytes]:
        path = Path(operation.path)
        if operation.kind == "fsync" and path.is_file():
            return {operation.path: path.read_bytes()}
        if operation.kind == "link" or operation.data == b"COMMIT":
            files = [path, path.with_name(f"{path.name}-wal")]
            return {str(file): file.read_bytes() for file in files if file.exists()}
        return {}


class Disk:
    """The state of a disk as its operations are told to it again."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.seen: dict[str, int] = {}  # names as processes see them, with the number of what they name
        self.sure: dict[str, int] = {}  # names that were synced
        self.bytes: dict[int, bytes] = {}  # what was synced of each file
        self.database: dict[str, bytes] = {}
        self.folders: set[int] = set()
        self.made = 0

    def do(self, operation: Operation, synced: dict[str, bytes]) -> None:
        """One more operation."""
        kind, path, target, _ = operation
        if kind in ("mkdir", "create"):
            self.made += 1
            self.seen[path] = self.made
            if kind == "mkdir":
                self.folders.add(self.made)
        elif kind in ("replace", "rename"):
            self.seen[target] = self.seen.pop(path)
        elif kind == "link":
            self.database = {target: synced[path]}
            self.seen[target] = 0
        elif kind in ("unlink", "rmdir"):
            self.seen.pop(path, None)
        elif kind == "fsync":
            self._sync(path, synced)
        elif synced:
            self.database = synced

    def _sync(self, path: str, synced: dict[str, bytes]) -> None:
        if path in synced:
            self.bytes[self.seen[path]] = synced[path]
            return
        for names in (self.sure, self.seen):
            for name in [name for name in names if name.rpartition("/")[0] == path]:
                if name in self.seen:
                    self.sure[name] = self.seen[name]
                else:
                    del self.sure[name]

    def image(self, target: Path, chosen: random.Random | None) -> None:
        """Write to `target` what is left: what is sure, and of the rest nothing, or what `chosen` picks."""
        names = dict(self.sure)
        for name in sorted(self.seen.keys() | self.sure.keys()):
            if chosen and self.seen.get(name) != self.sure.get(name) and chosen.random() < 0.5:
                names.pop(name, None)
                names |= {name: self.seen[name]} if name in self.seen else {}
        target.mkdir()
        for name, number in sorted(names.items()):
            path = target / name.removeprefix(f"{self.root}/")
            if not path.parent.is_dir():
                continue  # the folder above has not been synced
            if number in self.folders:
                path.mkdir()
            elif number == 0:
                for file, data in self.database.items():
                    path.with_name(Path(file).name).write_bytes(data)
            else:
                path.write_bytes(self.bytes.get(number, b""))
