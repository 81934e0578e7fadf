"""Errors of SQLite and of the operating system, said in the lake's own codes."""

import errno
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hour_lake.errors import LakeError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# SQLite's primary result codes (the low byte), from its list of result codes.
SQLITE_ERROR, BUSY, LOCKED, READONLY, IOERR, CORRUPT, SQLITE_FULL, CANTOPEN, NOTADB = 1, 5, 6, 8, 10, 11, 13, 14, 26
# Python cannot read a message of SQLite's that cites a damaged schema.
DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)


@contextmanager
def storage_errors(where: Path) -> Generator[None]:
    """Whatever the disk or the database says inside becomes a LakeError; the cause is kept."""
    try:
        yield
    except DATABASE_ERRORS as error:
        raise from_sqlite(error, where) from error
    except OSError as error:
        raise from_os(error, where) from error


def from_os(error: OSError, where: Path) -> LakeError:
    """STORAGE_FULL or STORAGE_IO."""
    if error.errno in FULL:
        return LakeError("STORAGE_FULL", "no space is left for the lake", value=error.strerror, where=str(where),
                         fix="make room and run again; what was committed is safe")  # fmt: skip
    return LakeError("STORAGE_IO", "the disk refused", value=error.strerror or str(error), where=str(where))


def from_sqlite(error: sqlite3.Error | UnicodeDecodeError, where: Path) -> LakeError:
    """STORAGE_FULL, STORAGE_IO, STORAGE_UNAVAILABLE or STORE_CORRUPT, by SQLite's result code."""
    extended = getattr(error, "sqlite_errorcode", 0) or 0
    code = extended & 0xFF
    # No room for the file that its connections share is an error of the disk to SQLite.
    if code == SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return LakeError("STORAGE_FULL", "no space is left for the lake's database", where=str(where),
                         fix="make room and run again; what was committed is safe")  # fmt: skip
    if code in (BUSY, LOCKED):
        return LakeError("STORAGE_UNAVAILABLE", "another process has been writing to the lake for too long",
                         where=str(where), fix="try again")  # fmt: skip
    # Our statements are fixed: when one is not understood, or a text is none, the schema or the row is damaged.
    undecoded = isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error)
    if code in (CORRUPT, NOTADB, SQLITE_ERROR) or undecoded:
        return LakeError("STORE_CORRUPT", "the lake's database is damaged", value=str(error), where=str(where))
    if code in (READONLY, IOERR, CANTOPEN):
        return LakeError("STORAGE_IO", "the disk refused the lake's database", value=str(error), where=str(where))
    raise error
