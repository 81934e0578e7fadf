"""What a repository holds beside its trees, in one SQLite file: commits, refs, uncommitted changes, addresses."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS commits (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refs (
    kind TEXT NOT NULL, name TEXT NOT NULL, commit_id TEXT NOT NULL, hidden INTEGER NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS staged (
    branch TEXT NOT NULL, path TEXT NOT NULL, record TEXT, PRIMARY KEY (branch, path)); -- NULL: removed
CREATE TABLE IF NOT EXISTS issued (
    address TEXT PRIMARY KEY, branch TEXT NOT NULL, path TEXT NOT NULL, expires REAL NOT NULL, linked INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS imports (id TEXT PRIMARY KEY, branch TEXT NOT NULL, body TEXT NOT NULL);
"""


class Database:
    """One connection for all threads; everything happens under the repository's lock."""

    def __init__(self, file: Path) -> None:
        self.lock = RLock()
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """All rows of one statement."""
        with self.lock:
            return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, *values: Any) -> int:
        """Run one statement; how many rows it changed."""
        with self.lock:
            return self._connection.execute(statement, values).rowcount

    @contextmanager
    def changing(self) -> Generator[None]:
        """All changes of the block or none of them; blocks may lie in each other."""
        with self.lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """End the connection."""
        with self.lock:
            self._connection.close()
