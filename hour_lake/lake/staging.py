"""Where a transaction's files wait: a folder of its own, held by a lock, so that leftovers of the dead can be told."""

import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hour_lake.lake.database import sync_folder
from hour_lake.lake.faults import storage_errors
from hour_lake.lake.objects import CHUNK_BYTES, Objects

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
        with storage_errors(self.folder):
            own = self.folder / uuid.uuid4().hex
            own.mkdir()
            lock = _held(own / LOCK, branch)
        try:
            with ThreadPoolExecutor(SYNC_THREADS, thread_name_prefix="sync") as pool:
                yield Staged(own, objects, pool)
        finally:
            shutil.rmtree(own, ignore_errors=True)
            os.close(lock)

    def open_on(self, branch: str) -> int:
        """How many transactions are open on a branch, in any process."""
        return sum(_is_held(f) and f.read_text() == branch for f in self.folder.glob(f"*/{LOCK}"))

    def sweep(self, grace_seconds: float = GRACE_SECONDS) -> int:
        """Remove what killed writers left behind, when it is older than the grace period; how many folders."""
        swept = 0
        for own in self.folder.iterdir():
            try:
                if own.is_dir() and time.time() - own.stat().st_mtime >= grace_seconds and not _is_held(own / LOCK):
                    shutil.rmtree(own, ignore_errors=True)
                    swept += 1
            except FileNotFoundError:
                continue  # another process was quicker
        return swept


class Staged:
    """Objects of one transaction before they are part of the lake."""

    def __init__(self, folder: Path, objects: Objects, pool: ThreadPoolExecutor) -> None:
        self.folder = folder
        self.objects = objects
        self.pool = pool
        self._files: dict[str, tuple[Path, Future[None]]] = {}
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
                file.write_bytes(data)
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
                synced.result()
                folders.add(self.objects.adopt(file, digest))
            list(self.pool.map(sync_folder, folders))
            self._sound |= self._files.keys()
            self._files.clear()

    def _has(self, digest: str) -> bool:
        if digest in self._files or digest in self._sound:
            return True
        if self.objects.holds(digest):
            self._sound.add(digest)
        return digest in self._sound

    def _keep(self, digest: str, file: Path) -> None:
        self._files[digest] = file, self.pool.submit(_sync_file, file)


def _sync_file(file: Path) -> None:
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fchmod(descriptor, 0o444)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _held(file: Path, text: str) -> int:
    """A new file with a lock on it that ends with this process at the latest."""
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, text.encode())
    return descriptor


def _is_held(file: Path) -> bool:
    try:
        with file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
