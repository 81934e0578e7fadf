"""The lake's SQLite file: how it is made, opened and written; the statements live with what they are about."""

import os
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hour_lake.errors import LakeError
from hour_lake.lake.failpoints import reached
from hour_lake.lake.faults import DATABASE_ERRORS, from_sqlite, storage_errors
from hour_lake.lake.folders import sync_folder

FORMAT = 2
APPLICATION_ID = 0x484C414B  # "HLAK", so that `file` and we can tell a lake's database from another
BUSY_SECONDS = 60.0
LOG_BYTES = 32 << 20  # what the write-ahead log may keep on disk after a large commit

# Nodes and metadata are only ever appended, and are found by row number: no index over digests grows or is rewritten.
# AUTOINCREMENT: a number that was once given out never names another row, so cached nodes stay true after a collection.
REF_LOG = """
CREATE TABLE ref_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    commit_id TEXT,               -- where it was made; NULL: it was deleted
    after_seq INTEGER NOT NULL,   -- the newest commit then
    digest BLOB NOT NULL          -- of the other columns
)
"""
SCHEMA = f"""
CREATE TABLE node (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, hints BLOB NOT NULL);
CREATE TABLE metadata (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE commits (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    root INTEGER NOT NULL,        -- row of the tree's root node, 0 for an empty tree
    body BLOB NOT NULL,           -- canonical JSON; the id is its sha256
    branch TEXT NOT NULL,         -- where it was published: refs can be restored from this
    attempt TEXT NOT NULL UNIQUE, -- a lost answer is looked up by this
    changes BLOB NOT NULL         -- sha256 of what was staged: the same attempt never means two things
);
CREATE TABLE refs (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('branch', 'tag')),
    commit_id TEXT NOT NULL REFERENCES commits (id)
) WITHOUT ROWID;
{REF_LOG};
"""


class Database:
    """One SQLite file, opened once a thread and process; every process of the machine may have it open at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._local = threading.local()
        self._inherited: list[sqlite3.Connection] = []

    @staticmethod
    def create(file: Path, fill: "Callable[[Database], None]", *, drafts: Path) -> None:
        """Make the file with what `fill` writes, whole or not at all; whoever comes second finds the first one's.

        It is written in a folder of its own below `drafts`, where the leftovers of killed writers are swept.
        """
        with storage_errors(file):
            own = drafts / uuid.uuid4().hex
            own.mkdir()
            draft = own / file.name
            database = Database(draft)
            try:
                connection = database.connection
                connection.execute("PRAGMA page_size = 8192")
                connection.executescript(f"{SCHEMA}\nPRAGMA application_id = {APPLICATION_ID};")
                fill(database)
                reached("create.filled")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
                # Last, so that the file is whole by itself: what closing would fold in could fail without a word.
                connection.execute("PRAGMA journal_mode = WAL")
                database.close()
                reached("create.drafted")
                os.link(draft, file)
                reached("create.linked")
            except FileExistsError:
                pass
            finally:
                database.close()
                shutil.rmtree(own, ignore_errors=True)
            sync_folder(file.parent)
            reached("create.synced")

    def check_format(self) -> None:
        """STORE_TOO_NEW for a lake of a later version of ours, STORE_CORRUPT for what is not a lake."""
        ((application,),) = self.rows("PRAGMA application_id")
        ((version,),) = self.rows("PRAGMA user_version")
        if application != APPLICATION_ID:
            raise LakeError("STORE_CORRUPT", "this is not the database of a lake", where=str(self.file))
        if version > FORMAT:
            raise LakeError("STORE_TOO_NEW", f"the lake has format {version}, this version reads up to {FORMAT}",
                            value=version, where=str(self.file), fix="install a newer hour-lake")  # fmt: skip

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of this thread; a forked child gets its own and leaves its parent's alone."""
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        if held is not None and held[0] == os.getpid():
            return held[1]
        if held is not None:
            self._inherited.append(held[1])  # closing it here would drop the parent's locks and log
        connection = sqlite3.connect(self.file, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        self._local.held = (os.getpid(), connection)
        return connection

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """All rows of one statement."""
        try:
            return self.connection.execute(statement, values).fetchall()
        except DATABASE_ERRORS as error:
            raise from_sqlite(error, self.file) from error

    def change(self, statement: str, *values: Any) -> int:
        """Run one statement; how many rows it changed."""
        try:
            return self.connection.execute(statement, values).rowcount
        except DATABASE_ERRORS as error:
            raise from_sqlite(error, self.file) from error

    def append(self, statement: str, *values: Any) -> int:
        """Insert one row; its number."""
        try:
            return self.connection.execute(statement, values).lastrowid or 0
        except DATABASE_ERRORS as error:
            raise from_sqlite(error, self.file) from error

    @contextmanager
    def writing(self) -> Generator[None]:
        """One write transaction: nobody else writes meanwhile, and all of it is on disk when the block has ended."""
        try:
            with storage_errors(self.file):
                self.connection.execute("BEGIN IMMEDIATE")
            yield
            with storage_errors(self.file):
                self.connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()  # which rolls back too; the error that led here is the one to tell

    def close(self) -> None:
        """Close this thread's connection; the next use opens another."""
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        if held is not None and held[0] == os.getpid():
            held[1].close()
            self._local.held = None
