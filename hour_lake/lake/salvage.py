"""Reading rows around damage: what a broken page holds is named and passed over, the rest is read."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from hour_lake.errors import LakeError
from hour_lake.lake.database import Database

ROWS_AT_ONCE = 2_000


def readable_rows(database: Database, table: str, key: str, columns: str, lost: list[range]) -> Iterator[Any]:
    """Rows of a table in the order of their numbers; stretches of numbers that cannot be read are put into `lost`.

    A stretch that fails is halved until the smallest parts that fail are known. STORE_CORRUPT if nothing can be read.
    """
    newest = _newest(database, table, key)
    waiting = [range(start, min(start + ROWS_AT_ONCE, newest + 1)) for start in range(1, newest + 1, ROWS_AT_ONCE)]
    waiting.reverse()
    statement = f"SELECT {columns} FROM {table} WHERE {key} >= ? AND {key} < ? ORDER BY {key}"
    while waiting:
        part = waiting.pop()
        try:
            rows = database.rows(statement, part.start, part.stop)
        except LakeError as error:
            if error.code != "STORE_CORRUPT":
                raise
            if len(part) > 1:
                waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
            elif lost and lost[-1].stop == part.start:
                lost[-1] = range(lost[-1].start, part.stop)
            else:
                lost.append(part)
        else:
            yield from rows


def _newest(database: Database, table: str, key: str) -> int:
    """The highest number of a table, by itself or by SQLite's own counter, which lies on another page."""
    asked: tuple[tuple[str, Sequence[str]], ...] = (
        (f"SELECT coalesce(max({key}), 0) FROM {table}", ()),
        ("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?", (table,)),
    )
    answers: list[int] = []
    for statement, values in asked:
        with suppress(LakeError):
            answers.append(int(database.rows(statement, *values)[0][0]))
    if not answers:
        raise LakeError("STORE_CORRUPT", "nothing of a table can be read", value=table, where=str(database.file))
    return max(answers)
