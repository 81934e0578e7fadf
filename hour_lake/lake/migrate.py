"""Bringing a lake of an older format to the one of this version: one step a format, all in one transaction."""

from collections.abc import Callable, Mapping

from hour_lake.errors import LakeError
from hour_lake.lake.database import FORMAT, REF_LOG, Database
from hour_lake.lake.failpoints import reached
from hour_lake.lake.ref_log import RefLog


def migrate(database: Database) -> None:
    """Whatever is missing for this version is added; killed at any point, the lake is still of its old format."""
    if _format(database) == FORMAT:
        return
    with database.writing():
        # Another process may have been quicker while this one waited for the lock.
        for older in range(_format(database), FORMAT):
            if older not in STEPS:
                raise LakeError("STORE_CORRUPT", "this is not the format of any lake", value=older,
                                where=str(database.file))  # fmt: skip
            STEPS[older](database)
            reached("migrate.step_taken")
        database.change(f"PRAGMA user_version = {FORMAT}")
        reached("migrate.before_commit")


def _format(database: Database) -> int:
    ((version,),) = database.rows("PRAGMA user_version")
    return version


def _add_ref_log(database: Database) -> None:
    """Format 1 did not remember deletions: the log begins with the refs that stand now."""
    database.change(REF_LOG)
    log = RefLog(database)
    for name, kind, commit_id in database.rows("SELECT name, kind, commit_id FROM refs ORDER BY name"):
        log.record(name, kind, commit_id)


STEPS: Mapping[int, Callable[[Database], None]] = {1: _add_ref_log}
