"""The lakes that the conformance suite runs on, what one promises less than the others, and what its tests share."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.interface import Lake
from hour_lake_tests.lakefs_cases import lakefs_on_a_server, lakefs_on_the_stand_in

# Every implementation runs every conformance test, unchanged.
IMPLEMENTATIONS: Mapping[str, Callable[[Path], Lake]] = {
    "embedded": lambda folder: EmbeddedLake.open(folder / "lake"),
    "lakefs": lakefs_on_the_stand_in,
    **({"lakefs-server": lakefs_on_a_server} if os.environ.get("HOUR_LAKE_TEST_LAKEFS") else {}),
}

# What an implementation promises less than the suite asks of the others, and why. All else it does alike.
_ON_LAKEFS = {
    "metadata of any length": "an object's user metadata holds 2 KB (compressed by us); beyond it: METADATA_LIMIT",
    "times in milliseconds": "the server keeps the time of a commit in whole seconds",
    "empty messages": "a commit needs a message: an empty one becomes 'no message'",
    "fence within the swap": "the fence is asked just before the request that publishes, not while a lock is held",
    "open transactions are known": "a dead writer cannot be told from a slow one: its branch is busy for a day",
    "digests of all entries": "of what others uploaded or imported nobody knows the sha256: it is empty",
}
PROMISES_LESS: Mapping[str, Mapping[str, str]] = {"lakefs": _ON_LAKEFS, "lakefs-server": _ON_LAKEFS}


def promises(implementation: str, what: str) -> bool:
    """Whether an implementation keeps a promise of the table."""
    assert any(what in less for less in PROMISES_LESS.values()), f"{what!r} is not in the table"
    return what not in PROMISES_LESS.get(implementation, {})


def commit(
    lake: Lake, puts: Mapping[str, bytes] | None = None, deletes: Iterable[str] = (), *, branch: str = "main", **options
) -> str:
    """One transaction; the commit's id."""
    with lake.transaction(branch, options.pop("metadata", {}), **options) as transaction:
        for path, data in (puts or {}).items():
            transaction.put(path, data, {"length": str(len(data))})
        for path in deletes:
            transaction.delete(path)
    return transaction.commit_id


def contents(lake: Lake, ref: str, prefix: str = "") -> dict[str, bytes]:
    """All bytes below a prefix, read through the lake."""
    return {entry.path: lake.read(ref, entry.path) for entry in lake.entries(ref, prefix)}
