"""A layer gives a table and no files: LAYER_WRITES while its function runs, at the line that would write.

Python tells of every file that is about to be opened (`sys.audit`). Who asked is read from the stack, innermost first:

    np.save -> the layer's file                the layer: numpy and the standard library write what they are told to
    numba's cache -> numba -> the layer's file a package: it may fill its caches, and write nowhere else
    weights -> Hour Lake -> the layer's file   Hour Lake itself: it may

What a library opens by itself in C (`cv2.imwrite`) is not told: `file_text` finds that in the text of the layer.
"""

import os
import sys
import sysconfig
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import hour_lake
from hour_lake.errors import LayerError
from hour_lake.passes.declare import Layer

WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
# Event -> which of its arguments is the path that changes.
CHANGES = {"os.mkdir": 0, "os.remove": 0, "os.rename": 1, "os.rmdir": 0, "os.link": 1, "os.symlink": 1,
           "os.truncate": 0}  # fmt: skip
# They keep no caches: whoever calls them is who writes.
TOLD = ("numpy", "scipy", "pandas", "PIL", "imageio", "h5py", "pyarrow")
PACKAGE = str(Path(hour_lake.__file__).parent) + os.sep
STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
IMPORTS = "<frozen importlib"

_refused: ContextVar[tuple[Layer, list[LayerError]] | None] = ContextVar("_refused", default=None)


@contextmanager
def no_writes(layer: Layer) -> Generator[None]:
    """LAYER_WRITES for what the layer's own code writes inside, also when the layer itself has caught that error."""
    _listen()
    refused: list[LayerError] = []
    token = _refused.set((layer, refused))
    try:
        yield
    except Exception as error:
        if refused and error is not refused[0]:
            raise refused[0] from error
        raise
    finally:
        _refused.reset(token)
    if refused:
        raise refused[0]


@cache
def _listen() -> None:
    """Once a process: a hook cannot be taken out again. Outside of layers it costs one comparison an event."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    running = _refused.get()
    if running is None or (event != "open" and event not in CHANGES):
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITING):
        return
    path = _path(arguments[0 if event == "open" else CHANGES[event]])
    if path is None or path.startswith("/dev/"):
        return
    layer, refused = running
    line = _line_that_writes(layer, path)
    if line is not None:
        refused.append(
            LayerError("LAYER_WRITES", f"{layer.name} writes a file; a layer gives a table and nothing else",
                       value=path, where=line, fix="return it as a column, or look at it with `hour-lake try`")
        )  # fmt: skip
        raise refused[-1]


def _path(given: Any) -> str | None:
    """A file's path; None for a descriptor, which is open already."""
    return os.path.abspath(os.fsdecode(given)) if isinstance(given, str | bytes | os.PathLike) else None  # noqa: PTH100


def _line_that_writes(layer: Layer, path: str) -> str | None:
    """`file:line` of the layer's code when it is what writes, None when somebody else does and may."""
    frame: FrameType | None = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    by_package = False
    while frame is not None:
        file = frame.f_code.co_filename
        if _is_own(layer, file):
            return None if by_package and _is_cache(path) else f"{file}:{frame.f_lineno}"
        if file.startswith((PACKAGE, IMPORTS)) or file == tempfile.__file__:
            return None
        by_package = by_package or not _is_transparent(file)
        frame = frame.f_back
    return None


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
