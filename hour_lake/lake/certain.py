"""Writes whose outcome is known even when the answer is lost: the store itself is asked whether they landed."""

from collections.abc import Callable

from hour_lake.errors import LakeError
from hour_lake.lake.database import Database
from hour_lake.lake.failpoints import reached

UNCERTAIN = {"STORAGE_FULL", "STORAGE_IO", "STORAGE_UNAVAILABLE", "STORE_CORRUPT"}


def write(database: Database, act: Callable[[], str], *, landed: Callable[[str], bool], what: str) -> str:
    """Do `act` in one write transaction; gives what it gave.

    Either it has landed, or an error says that it has not. When storage fails after `act` was done, `landed` is asked
    about its result on a new connection; COMMIT_UNKNOWN if the store can neither commit nor tell.
    """
    done: str | None = None
    try:
        with database.writing():
            done = act()
            reached("write.before_commit")
        reached("write.committed")
        return done
    except LakeError as error:
        if error.code not in UNCERTAIN:
            raise
        database.close()
        if done is None or not _asked(database, lambda: landed(done), what, error):
            raise
        return done


def _asked(database: Database, landed: Callable[[], bool], what: str, cause: LakeError) -> bool:
    try:
        return landed()
    except LakeError:
        raise LakeError(
            "COMMIT_UNKNOWN", "the store cannot be asked whether the change landed", value=what,
            where=str(database.file), fix="do the same again once the store answers",
        ) from cause  # fmt: skip
