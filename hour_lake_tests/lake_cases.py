"""The lakes that the conformance suite runs on, and what its tests share."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.interface import Lake

# Every implementation runs every conformance test, unchanged.
IMPLEMENTATIONS: Mapping[str, Callable[[Path], Lake]] = {"embedded": lambda folder: EmbeddedLake.open(folder / "lake")}


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
