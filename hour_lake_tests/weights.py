"""The weights that tests run on: pulled once a machine into a cache folder, also when several workers ask at once."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hour_lake.models.store import FOLDER_VARIABLE, pull


@pytest.fixture(scope="session")
def weights_folder() -> Iterator[Path]:
    """A folder with all models, which HOUR_LAKE_MODELS names as long as the tests run."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "hour_lake" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pull(None, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder))
        yield folder
