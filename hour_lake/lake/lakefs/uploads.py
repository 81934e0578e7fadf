"""What a transaction has staged: objects go up side by side while more are put, and what stands there already does not.

At most twice as many objects as there are threads wait, in memory or as copies of files: who puts faster is held up.
"""

import hashlib
import tempfile
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from hour_lake.errors import LakeError
from hour_lake.lake.faults import storage_errors
from hour_lake.lake.interface import Entry, Metadata
from hour_lake.lake.lakefs.entries import Entries, alike, entry_of, texts_for
from hour_lake.lake.lakefs.pages import PAGE
from hour_lake.lake.lakefs.transfer import CHUNK_BYTES, Content, Transfer
from hour_lake.lake.metadata import texts_of
from hour_lake.threads import Answer


class Known:
    """Entries of one commit by path, learnt a folder at a time: neighbours are asked about together."""

    def __init__(self, entries: Entries, commit_id: str) -> None:
        self.entries = entries
        self.commit_id = commit_id
        self._lock = threading.Lock()
        self._folders: dict[str, tuple[threading.Lock, dict[str, Entry], list[str | None]]] = {}

    def get(self, path: str) -> Entry | None:
        """One entry, or None."""
        prefix = path[: path.rfind("/") + 1]
        with self._lock:
            lock, found, reach = self._folders.setdefault(prefix, (threading.Lock(), {}, []))
        with lock:
            if not reach:
                page = self.entries.page(self.commit_id, prefix, "", PAGE)
                found.update((told.path, entry_of(told)) for told in page.results)
                reach.append(page.results[-1].path if page.pagination.has_more else None)
        if reach[0] is None or path <= reach[0]:
            return found.get(path)
        return self.entries.get(self.commit_id, path)


class Uploads:
    """Objects of one transaction on their way to its staging branch."""

    def __init__(self, transfer: Transfer, known: Known, branch: str, folder: Path) -> None:
        self.transfer = transfer
        self.known = known
        self.branch = branch
        self.folder = folder
        self.sent: set[str] = set()  # paths that were written on the staging branch
        self._threads = transfer.client.threads
        self._room: SimpleQueue[None] = SimpleQueue()  # one in it for each object that may wait
        self._running: dict[str, Answer[None]] = {}
        self._failed: BaseException | None = None
        for _ in range(2 * transfer.client.options.uploads):
            self._room.put(None)

    @staticmethod
    @contextmanager
    def open(transfer: Transfer, known: Known, branch: str) -> Generator["Uploads"]:
        """Uploads that have all ended, well or not, when the block ends."""
        with tempfile.TemporaryDirectory(prefix="hour-lake-", ignore_cleanup_errors=True) as folder:
            uploads = Uploads(transfer, known, branch, Path(folder))
            try:
                yield uploads
            finally:
                uploads.stop()

    def add(self, path: str, data: bytes | Path, metadata: Metadata | None) -> Entry:
        """Begin to stage an object; what it is. The first failure of one before it is raised here or by `finish`."""
        if self._failed:
            raise self._failed
        earlier = self._running.get(path)
        if earlier:
            earlier.error()  # the last word counts: it must also be the last to arrive
        self._room.get()
        try:
            content = _content(data) if isinstance(data, bytes) else self._copied(data)
            entry = Entry(path, content.sha256, content.size_bytes, texts_of(metadata or {}))
            texts_for(entry)  # METADATA_LIMIT at once, not when it is sent
            self._running[path] = self._threads.submit(self._stage, entry, content)
        except BaseException:
            self._room.put(None)
            raise
        return entry

    def finish(self) -> None:
        """Wait until everything has arrived; the first failure."""
        for running in self._running.values():
            running()

    def stop(self) -> None:
        """Let what has begun come to its end, and begin nothing more."""
        self._failed = self._failed or LakeError("FENCED", "the transaction has ended")
        for running in self._running.values():
            running.error()

    def _stage(self, entry: Entry, content: Content) -> None:
        try:
            if self._failed is None:
                self._send(entry, content)
        except BaseException as error:
            self._failed = self._failed or error
            raise
        finally:
            self._room.put(None)
            if isinstance(content.data, Path):
                content.data.unlink(missing_ok=True)

    def _send(self, entry: Entry, content: Content) -> None:
        there = self.known.get(entry.path)
        if entry.path not in self.sent and alike(there, entry):
            return
        same = there is not None and (there.digest, there.size_bytes) == (entry.digest, entry.size_bytes)
        already = entry.path in self.sent
        self.sent.add(entry.path)
        if same and not already:
            self.transfer.describe(self.branch, entry)
        else:
            self.transfer.upload(self.branch, entry, content)

    def _copied(self, file: Path) -> Content:
        """A copy, hashed as it is made: what goes up is what was hashed, whoever changes the file meanwhile."""
        copy = self.folder / uuid.uuid4().hex
        sha256, md5, size_bytes = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        with file.open("rb") as reader, storage_errors(self.folder), copy.open("wb") as writer:
            for chunk in _chunks(reader):
                sha256.update(chunk)
                md5.update(chunk)
                size_bytes += writer.write(chunk)
        return Content(copy, size_bytes, sha256.hexdigest(), md5.hexdigest())


def _chunks(reader: BinaryIO) -> Generator[bytes]:
    while chunk := reader.read(CHUNK_BYTES):
        yield chunk


def _content(data: bytes) -> Content:
    return Content(
        data, len(data), hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
    )
