"""Content-addressed objects: files named by the sha256 of what they hold, complete or not there at all."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.failpoints import reached

CHUNK_BYTES = 1 << 20
DIGEST = re.compile("[0-9a-f]{64}")


class Objects:
    """The folder `objects`; an object with digest abcdef... is the file `ab/cdef...`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where an object lies, whether or not it is there."""
        return self.folder / digest[:2] / digest[2:]

    def read(self, digest: str, *, where: str) -> bytes:
        """The bytes of an object, checked; INTEGRITY when it is missing or altered."""
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise LakeError("INTEGRITY", "an object is missing", value=digest, where=where, fix=MEND) from error
        found = hashlib.sha256(data).hexdigest()
        if found != digest:
            raise LakeError("INTEGRITY", "an object is not what was stored", value=f"{digest}, found {found}",
                            where=where, fix=MEND)  # fmt: skip
        return data

    def holds(self, digest: str) -> bool:
        """Whether the object is there and sound; if so it counts as young again, so that no collection takes it."""
        path = self.path(digest)
        try:
            if digest_of(path) != digest:
                return False
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def size_bytes(self, digest: str) -> int | None:
        """Size of an object; None when it is not there."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def digests(self) -> Iterator[str]:
        """Every object that is there, in no order; files that are no objects are passed over."""
        for folder in self.folder.iterdir():
            if len(folder.name) == 2 and folder.is_dir():
                names = (folder.name + file.name for file in folder.iterdir())
                yield from (name for name in names if DIGEST.fullmatch(name))

    def adopt(self, staged: Path, digest: str) -> Path:
        """Move a complete, synced file in; the folder whose names must be synced before anyone is told."""
        target = self.path(digest)
        target.parent.mkdir(exist_ok=True)
        reached("objects.folder_made")
        staged.replace(target)
        return target.parent


MEND = "make it again with refresh: storing the same bytes mends the object"


def digest_of(path: Path) -> str:
    """sha256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
