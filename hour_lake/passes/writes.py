"""A layer gives a table and no files: LAYER_WRITES while its function runs, at the line that would write.

Python tells of every file that is about to be opened (`sys.audit`). Who asked is read from the stack, innermost first:

    np.save -> the layer's file                the layer: numpy and the standard library write what they are told to
    numba's cache -> numba -> the layer's file a package: it may fill its caches, and write nowhere else
    weights -> Hour Lake -> the layer's file   Hour Lake itself: it may
    np.save -> a thread of the layer's         the layer, at the line that started the thread

A thread that is started while a layer runs (`Thread`, and pools of them) is watched for as long as it lives; all other
threads, such as the engine's, are not. One that writes after its layer has returned writes nothing, but then the error
is the thread's alone. Not watched: a thread that the file has started when it was imported, and those that are not
`threading`'s (`_thread`, libraries in C).
What a library opens by itself in C (`cv2.imwrite`) is not told: `file_text` finds that in the text of the layer.
"""

import os
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import unquote, urlsplit

import hour_lake
from hour_lake.errors import LayerError
from hour_lake.passes.declare import Layer

WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
# Event -> which of its arguments is the path that changes.
CHANGES = {"os.mkdir": 0, "os.remove": 0, "os.rename": 1, "os.rmdir": 0, "os.link": 1, "os.symlink": 1,
           "os.truncate": 0}  # fmt: skip
IN_MEMORY = ":memory:"
# They keep no caches: whoever calls them is who writes.
TOLD = ("numpy", "scipy", "pandas", "PIL", "imageio", "h5py", "pyarrow")
PACKAGE = str(Path(hour_lake.__file__).parent) + os.sep
STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
IMPORTS = "<frozen importlib"


@dataclass(frozen=True)
class _Watched:
    """Whose code runs, in this thread; `started_at`: the line of the layer that started the thread, if it did."""

    layer: Layer
    refused: list[LayerError]
    started_at: str | None = None


_watched: ContextVar[_Watched | None] = ContextVar("_watched", default=None)
_start = threading.Thread.start


@contextmanager
def no_writes(layer: Layer) -> Generator[None]:
    """LAYER_WRITES for what the layer's own code writes inside, also when the layer itself has caught that error."""
    _listen()
    refused: list[LayerError] = []
    token = _watched.set(_Watched(layer, refused))
    try:
        yield
    except Exception as error:
        if refused and error is not refused[0]:
            raise refused[0] from error
        raise
    finally:
        _watched.reset(token)
    if refused:
        raise refused[0]


@cache
def _listen() -> None:
    """Once a process: a hook cannot be taken out again. Outside of layers it costs one comparison an event."""
    sys.addaudithook(_hear)
    threading.Thread.start = _start_watched  # of starting a thread, Python 3.11 tells no hook


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    running = _watched.get()
    if running is None:
        return
    path = _changed_path(event, arguments)
    if path is None or path.startswith("/dev/"):
        return
    line = _line_that_writes(running, sys._getframe(1), path)  # pyright: ignore[reportPrivateUsage]
    if line is not None:
        error = LayerError(
            "LAYER_WRITES", f"{running.layer.name} writes a file; a layer gives a table and nothing else",
            value=path, where=line, fix="return it as a column, or look at it with `hour-lake try`",
        )  # fmt: skip
        running.refused.append(error)
        raise error


def _start_watched(self: threading.Thread) -> None:
    """In place of `Thread.start`: a new thread knows nothing of the context that it is started in, so it is told."""
    running = _watched.get()
    if running is not None:
        _follow(running, self)
    _start(self)


def _follow(running: _Watched, thread: threading.Thread) -> None:
    # One that a package or Hour Lake starts for its own ends is refused the layer's own lines alone.
    started_at = _line_that_writes(running, sys._getframe(2))  # pyright: ignore[reportPrivateUsage]
    watched = _Watched(running.layer, running.refused, started_at)
    run = thread.run

    def watched_run() -> None:
        _watched.set(watched)
        run()

    thread.run = watched_run


def _changed_path(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The file that an event is about to change; None when it changes none, or one that is open already."""
    if event == "open":
        return _path(arguments[0]) if isinstance(arguments[2], int) and arguments[2] & WRITING else None
    if event == "sqlite3.connect":
        return _database(arguments[0])
    return _path(arguments[CHANGES[event]]) if event in CHANGES else None


def _path(given: Any) -> str | None:
    """A file's path; None for a descriptor, which is open already."""
    return os.path.abspath(os.fsdecode(given)) if isinstance(given, str | bytes | os.PathLike) else None  # noqa: PTH100


def _database(given: Any) -> str | None:
    """The file of a database; None for one that is in memory, or opened to be read (`uri=True` itself is not told)."""
    text = os.fsdecode(given) if isinstance(given, str | bytes | os.PathLike) else IN_MEMORY
    asked = urlsplit(text) if text.startswith("file:") else None
    if asked and {"mode=ro", "mode=memory", "immutable=1"} & set(asked.query.split("&")):
        return None
    path = unquote(asked.path) if asked else text
    return None if path in ("", IN_MEMORY) else _path(path)


def _line_that_writes(running: _Watched, frame: FrameType | None, path: str | None = None) -> str | None:
    """`file:line` of the layer's code when it is what writes, None when somebody else does and may.

    Without a path: when it is what starts a thread.
    """
    line, by_package = None, False
    while frame is not None and line is None:
        file = frame.f_code.co_filename
        if _is_own(running.layer, file):
            line = f"{file}:{frame.f_lineno}"
        elif file == __file__ and frame.f_code.co_name == "watched_run":  # all that there is of a thread
            line = running.started_at
            break
        elif file.startswith((PACKAGE, IMPORTS)) or file == tempfile.__file__:
            return None
        by_package = by_package or (line is None and not _is_transparent(file))
        frame = frame.f_back
    return None if by_package and (path is None or _is_cache(path)) else line


def _is_own(layer: Layer, file: str) -> bool:
    """The file that declares the layer, and its neighbours."""
    folder = os.path.dirname(layer.source_path)  # noqa: PTH120 - none for what was typed into a prompt
    return file == layer.source_path or (folder != "" and os.path.dirname(file) == folder)  # noqa: PTH120


@cache
def _is_transparent(file: str) -> bool:
    """Of the standard library, or of a package that writes only what it is told to."""
    if file.startswith("<"):
        return True
    parts = Path(file).parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1] in TOLD
    return file.startswith(STANDARD)


def _is_cache(path: str) -> bool:
    """A place that packages may fill: temporary, compiled code, hidden folders at home, what is named a cache."""
    place = Path(path)
    named = [Path(value) for name, value in os.environ.items() if "CACHE" in name or name.endswith("_HOME")]
    if any(place.is_relative_to(folder) for folder in (Path(tempfile.gettempdir()), *named) if folder.is_absolute()):
        return True
    home = Path.home()
    hidden = place.is_relative_to(home) and place.relative_to(home).parts[:1]
    return "__pycache__" in place.parts or bool(hidden and hidden[0].startswith("."))
