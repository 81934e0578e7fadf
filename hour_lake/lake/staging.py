"""Where a transaction's files wait: a folder of its own, held by a lock, so that leftovers of the dead can be told."""

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hour_lake.lake.failpoints import reached
from hour_lake.lake.faults import storage_errors
from hour_lake.lake.folders import sync_folder
from hour_lake.lake.held import hold, is_held, text_of
from hour_lake.lake.objects import CHUNK_BYTES, Objects
from hour_lake.threads import Answer, Threads

LOCK = "branch"  # the lock file; it holds the name of the branch that the transaction writes to
GRACE_SECONDS = 3600.0
SYNC_THREADS = 8  # disks and journals sync several files for the price of one


class Staging:
    """The folder `staging`, one folder in it for every open transaction."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def open(self, branch: str, objects: Objects) -> Generator["Staged"]:
        """A place for one transaction; whatever was not published is gone afterwards."""
        self.sweep()
        own = self.folder / uuid.uuid4().hex
        try:
            with storage_errors(self.folder):
                own.mkdir()
                reached("stage.folder_made")
                lock = hold(own / LOCK, branch)
                reached("stage.opened")
            try:
                with Threads(SYNC_THREADS) as threads:
                    yield Staged(own, objects, threads)
            finally:
                os.close(lock)
        finally:
            remove(own)

    def open_on(self, branch: str) -> int:
        """How many transactions are open on a branch, in any process."""
        with storage_errors(self.folder):
            return sum(is_held(lock) and text_of(lock) == branch for lock in self.folder.glob(f"*/{LOCK}"))

    def oldest_open_seconds(self) -> float | None:
        """When the oldest of all open transactions began, by the clock of the file system."""
        began: list[float] = []
        for lock in self.folder.glob(f"*/{LOCK}"):
            with suppress(FileNotFoundError):  # it has just ended
                if is_held(lock):
                    began.append(lock.stat().st_mtime)
        return min(began, default=None)

    def dead(self, grace_seconds: float = GRACE_SECONDS) -> Iterator[Path]:
        """Folders that killed writers left behind, when they are older than the grace period."""
        for own in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process was quicker
                if own.is_dir() and time.time() - own.stat().st_mtime >= grace_seconds and not is_held(own / LOCK):
                    yield own

    def sweep(self, grace_seconds: float = GRACE_SECONDS) -> int:
        """Remove what killed writers left behind; how many folders."""
        swept = 0
        with storage_errors(self.folder):
            for own in self.dead(grace_seconds):
                reached("stage.leftover_found")
                shutil.rmtree(own, ignore_errors=True)
                reached("stage.leftover_swept")
                swept += 1
        return swept


class Staged:
    """Objects of one transaction before they are part of the lake."""

    def __init__(self, folder: Path, objects: Objects, threads: Threads) -> None:
        self.folder = folder
        self.objects = objects
        self.threads = threads
        self._files: dict[str, tuple[Path, Answer[None]]] = {}
        self._sound: set[str] = set()

    def add(self, data: bytes | Path) -> tuple[str, int]:
        """Take in bytes or a copy of a file; digest and size. What the lake has already is not written again."""
        if isinstance(data, bytes):
            return self._add_bytes(data)
        with data.open("rb") as reader:
            return self._add_file(reader)

    def _add_bytes(self, data: bytes) -> tuple[str, int]:
        digest = hashlib.sha256(data).hexdigest()
        with storage_errors(self.folder):
            if not self._has(digest):
                file = self.folder / uuid.uuid4().hex
                reached("stage.before_write")
                file.write_bytes(data)
                reached("stage.written")
                self._keep(digest, file)
        return digest, len(data)

    def _add_file(self, reader: BinaryIO) -> tuple[str, int]:
        """Copied and hashed in one go: what is stored is what was hashed, whoever changes the source meanwhile."""
        file = self.folder / uuid.uuid4().hex
        digest, size_bytes = hashlib.sha256(), 0
        with storage_errors(self.folder):
            with file.open("wb") as writer:
                while chunk := reader.read(CHUNK_BYTES):
                    digest.update(chunk)
                    size_bytes += writer.write(chunk)
                    reached("stage.chunk_copied")
            reached("stage.copied")
            if self._has(digest.hexdigest()):
                file.unlink()
            else:
                self._keep(digest.hexdigest(), file)
        return digest.hexdigest(), size_bytes

    def move_in(self) -> None:
        """Make all files durable, then give them their final names and make those durable too."""
        with storage_errors(self.objects.folder):
            folders = {self.objects.folder, *(self.objects.path(digest).parent for digest in self._sound)}
            for digest, (file, synced) in self._files.items():
                synced()
                reached("stage.before_adopt")
                folders.add(self.objects.adopt(file, digest))
                reached("stage.adopted")
            reached("stage.before_folder_sync")
            list(self.threads.map(sync_folder, folders))
            reached("stage.folders_synced")
            self._sound |= self._files.keys()
            self._files.clear()

    def _has(self, digest: str) -> bool:
        if digest in self._files or digest in self._sound:
            return True
        if self.objects.holds(digest):
            self._sound.add(digest)
        return digest in self._sound

    def _keep(self, digest: str, file: Path) -> None:
        self._files[digest] = file, self.threads.submit(sync_file, file)


def remove(own: Path) -> None:
    """Remove a transaction's folder; a signal that arrives in the middle of it is obeyed after it, not instead."""
    try:
        shutil.rmtree(own, ignore_errors=True)
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise


def sync_file(file: Path) -> None:
    """Make a file durable, and read-only from here on."""
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fchmod(descriptor, 0o444)
        reached("stage.before_sync")
        os.fsync(descriptor)
        reached("stage.synced")
    finally:
        os.close(descriptor)
