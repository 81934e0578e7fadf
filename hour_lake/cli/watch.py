"""`try --watch`: again after every save, until Ctrl-C; a mistake is shown, and the next save is waited for."""

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from watchfiles import PythonFilter, watch

import hour_lake.layers
from hour_lake.cli.console import err, show_error
from hour_lake.errors import HourLakeError
from hour_lake.passes.registry import FOLDERS_VARIABLE

BUILT_IN = Path(hour_lake.layers.__file__).parent
LOOK_MS = 250


def again_after_each_save(work: Callable[[], None], folders: Iterable[Path]) -> None:
    """Do the work now, and anew when a Python file in one of the folders has changed."""
    sys.dont_write_bytecode = True  # compiled code of the same second and size would be taken for the new one
    places = [str(folder) for folder in folders]
    is_first = True
    with suppress(KeyboardInterrupt):
        # Also yields when nothing has changed: so it listens already while the first work is done.
        for changes in watch(*places, watch_filter=PythonFilter(), yield_on_timeout=True, rust_timeout=LOOK_MS,
                             raise_interrupt=False):  # fmt: skip
            if is_first or changes:
                _forget_built_in()
                _done(work)
                err.print(f"[dim]watching {', '.join(places)}; Ctrl-C ends[/]")
            is_first = False


def folders_of(layer: str) -> list[Path]:
    """Where the files lie that a layer (its name, or the path of its file) may be made of."""
    named = [Path(place) for place in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if place]
    own = [Path(layer).resolve().parent] if layer.endswith(".py") else []
    found = dict.fromkeys(folder.expanduser().resolve() for folder in [*own, *named, BUILT_IN])
    return [folder for folder in found if folder.is_dir()]


def _done(work: Callable[[], None]) -> None:
    try:
        work()
    except HourLakeError as error:
        show_error(error)


def _forget_built_in() -> None:
    """So that they are imported anew; those of folders are anyway."""
    for name in [name for name in sys.modules if name.startswith(f"{hour_lake.layers.__name__}.")]:
        del sys.modules[name]
