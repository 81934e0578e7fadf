"""Shared libraries that pip has put into site-packages, where the loader does not look."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from ctypes import CDLL
from pathlib import Path


def load_installed(folder: str, names: Sequence[str]) -> None:
    """Load these, in this order, from the first `folder` that holds them; whoever opens one by name then finds it.

    Where there are none, the loader's own places (LD_LIBRARY_PATH, ldconfig) are what is left.
    """
    for place in sys.path:
        files = [Path(place) / folder / name for name in names]
        if all(file.is_file() for file in files):
            with suppress(OSError):  # of another processor, say: then it is as if it were not there
                for file in files:
                    CDLL(str(file))
            return
