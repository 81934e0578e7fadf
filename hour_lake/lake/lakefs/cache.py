"""Files of this machine with what was fetched: named by the sha256 of their content, complete or not there, bounded."""

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from hour_lake.lake.faults import storage_errors

HANDED_OUT_SECONDS = 3600.0  # what was given to somebody so recently is not evicted: it may be open
SCANS_PER_CACHE = 16  # the folder is looked through when a sixteenth of its limit has come in


class FileCache:
    """A folder that all processes of a user share; an object with digest abcdef... is the file `ab/cdef...`."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._unseen_bytes = limit_bytes  # what came in since the last look; the first file makes us look

    def get(self, digest: str, size_bytes: int) -> Path | None:
        """The file of a content, if it is here; from now on it counts as used."""
        file = self._file(digest)
        try:
            if file.stat().st_size != size_bytes:
                return None
            os.utime(file)
        except FileNotFoundError:
            return None
        return file

    def add(self, fill: Callable[[BinaryIO], str]) -> Path:
        """A file with what `fill` writes; it gives the sha256. STORAGE_FULL, STORAGE_IO."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self.folder / f"new-{uuid.uuid4().hex}"
            try:
                with draft.open("w+b") as writer:
                    digest = fill(writer)
                    writer.flush()
                    os.fsync(writer.fileno())
                draft.chmod(0o444)
                file = self._file(digest)
                file.parent.mkdir(exist_ok=True)
                self._unseen_bytes += draft.stat().st_size
                draft.replace(file)
            finally:
                draft.unlink(missing_ok=True)
            if self._unseen_bytes >= self.limit_bytes / SCANS_PER_CACHE:
                self.evict()
        return file

    def note(self, place: str, digest: str) -> None:
        """Remember the digest of what lies at a place for ever, where nothing else tells it."""
        draft = self.folder / f"new-{uuid.uuid4().hex}"
        draft.write_text(digest)
        note = self._note(place)
        note.parent.mkdir(exist_ok=True)
        draft.replace(note)

    def noted(self, place: str) -> str | None:
        """The digest that was remembered."""
        try:
            return self._note(place).read_text()
        except FileNotFoundError:
            return None

    def evict(self) -> int:
        """Remove what was used longest ago until the rest is within the limit; how many files."""
        self._unseen_bytes = 0
        files = sorted(self._files())
        excess, removed = sum(size for _, size, _ in files) - self.limit_bytes, 0
        for used, size_bytes, file in files:
            leftover = file.name.startswith("new-")
            if time.time() - used < HANDED_OUT_SECONDS or (excess <= 0 and not leftover):
                continue
            file.unlink(missing_ok=True)
            excess -= size_bytes
            removed += 1
        return removed

    def _file(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]

    def _note(self, place: str) -> Path:
        return self.folder / "notes" / hashlib.sha256(place.encode()).hexdigest()

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for file in self.folder.rglob("*"):
            try:
                known = file.stat()
            except FileNotFoundError:
                continue  # another process was quicker
            if file.is_file():
                yield known.st_mtime, known.st_size, file


def default_folder() -> Path:
    """Below the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hour_lake" / "objects"
