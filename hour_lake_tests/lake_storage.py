"""The storage operations of this process below a folder, one by one: each can be seen, made to fail, or be the last."""

import io
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

FROM_PATH = ("mkdir", "unlink", "rmdir", "utime")
FROM_DESCRIPTOR = ("fsync", "fchmod")
TWO_PATHS = ("replace", "rename", "link")


class Operation(NamedTuple):
    """What is about to be done to which path; `data` is what a write writes, the statement for the database."""

    kind: str
    path: str
    target: str = ""
    data: bytes = b""


Do = Callable[[], Any]
Watch = Callable[[Operation, Do], Any]  # calls what it is given, or does not; gives its result, or raises


@contextmanager
def watched(folder: Path, watch: Watch) -> Iterator[None]:
    """Ask `watch` about every operation below `folder`, of all threads of this process."""
    root = str(folder)

    def asked(operation: Operation, do: Do) -> Any:
        return watch(operation, do) if operation.path.startswith(root) else do()

    real = {name: getattr(os, name) for name in (*FROM_PATH, *FROM_DESCRIPTOR, *TWO_PATHS, "open", "write")}
    real_open, real_connect = io.open, sqlite3.connect

    def one_path(name: str) -> Callable[..., Any]:
        def act(path: Any, *rest: Any, dir_fd: int | None = None, **options: Any) -> Any:
            options |= {"dir_fd": dir_fd} if dir_fd is not None else {}
            return asked(Operation(name, _path(path, dir_fd)), lambda: real[name](path, *rest, **options))

        return act

    def descriptor(name: str) -> Callable[..., Any]:
        return lambda fd, *rest: asked(Operation(name, _path(fd)), lambda: real[name](fd, *rest))

    def two_paths(name: str) -> Callable[..., Any]:
        def act(path: Any, target: Any, **options: Any) -> Any:
            operation = Operation(name, _path(path), _path(target))
            return asked(operation, lambda: real[name](path, target, **options))

        return act

    def open_descriptor(path: Any, flags: int, *rest: Any, dir_fd: int | None = None) -> int:
        kind = "create" if flags & os.O_CREAT and not Path(_path(path, dir_fd)).exists() else "open"
        return asked(Operation(kind, _path(path, dir_fd)), lambda: real["open"](path, flags, *rest, dir_fd=dir_fd))

    def write_descriptor(fd: int, data: bytes) -> int:
        return asked(Operation("write", _path(fd), data=bytes(data)), lambda: real["write"](fd, data))

    def open_file(path: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if mode != "wb" or not _path(path).startswith(root):
            return real_open(path, mode, *rest, **options)
        return io.BufferedWriter(asked(Operation("create", _path(path)), lambda: WatchedFile(path, asked)))

    def connect(path: Any, **options: Any) -> sqlite3.Connection:
        return real_connect(path, factory=connection_class(str(path), asked), **options)

    fakes = {name: one_path(name) for name in FROM_PATH} | {name: descriptor(name) for name in FROM_DESCRIPTOR}
    fakes |= {name: two_paths(name) for name in TWO_PATHS} | {"open": open_descriptor, "write": write_descriptor}
    with patch.multiple(os, **fakes), patch.object(io, "open", open_file), patch.object(sqlite3, "connect", connect):
        yield


class WatchedFile(io.FileIO):
    """A file that is written."""

    def __init__(self, path: Any, asked: Watch) -> None:
        super().__init__(path, "wb")
        self.asked, self.at = asked, _path(path)

    def write(self, data: Any) -> int:
        return self.asked(Operation("write", self.at, data=bytes(data)), lambda: super(WatchedFile, self).write(data))


def connection_class(path: str, asked: Watch) -> type[sqlite3.Connection]:
    class WatchedConnection(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            operation = Operation("sql", path, data=statement.encode())
            return asked(operation, lambda: super(WatchedConnection, self).execute(statement, *values))

    return WatchedConnection


def _path(path: Any, dir_fd: int | None = None) -> str:
    if isinstance(path, int):
        return str(Path(f"/proc/self/fd/{path}").readlink())
    return str(Path.cwd() / path) if dir_fd is None else str(Path(f"/proc/self/fd/{dir_fd}").readlink() / path)
