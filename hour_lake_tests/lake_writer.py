"""A process that writes to a lake: `python -m hour_lake_tests.lake_writer FOLDER NAME COMMITS [append]`."""

import sys
from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake


def write(lake: EmbeddedLake, name: str, commits: int) -> None:
    """Commits that each replace files together; the id is printed once the lake has acknowledged it.

    A writer called w<n> with few commits keeps to a folder of its own (they race); with many, all write the same files.
    """
    folder = f"{name}/" if commits < 10**6 else ""
    for number in range(commits):
        data = f"{name}-{number}".encode() if not folder else str(number).encode()
        with lake.transaction("main", {"writer": name, "number": str(number)}) as transaction:
            transaction.put(f"{folder}file-{number % 7}", data)
            transaction.put(f"{folder}count", data)
            for other in range(7):
                if other != number % 7:
                    transaction.delete(f"{folder}file-{other}")
        print(transaction.commit_id, flush=True)


def append(lake: EmbeddedLake, name: str, commits: int) -> None:
    """Append so many lines to one file that all writers share; when somebody else was quicker, read it again."""
    number = 0
    while number < commits:
        try:
            with lake.transaction("main", {}) as transaction:
                so_far = lake.read("main", "list") if lake.entry("main", "list") else b""
                transaction.put("list", so_far + f"{name}-{number}\n".encode())
            number += 1
        except LakeError as error:
            if error.code != "CONFLICT":
                raise


if __name__ == "__main__":
    opened, act = EmbeddedLake.open(Path(sys.argv[1])), append if sys.argv[4:] == ["append"] else write
    act(opened, sys.argv[2], int(sys.argv[3]))
