"""`compare`: two refs of a lake in, everything that differs between their facts out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hour_lake.catalog.gates import Gate
from hour_lake.catalog.sources import literal
from hour_lake.comparison.answer import Comparison, Side
from hour_lake.comparison.changes import layer_changes, segment_changes
from hour_lake.comparison.flips import gate_flips, segments_flipped
from hour_lake.comparison.half import MEMORY_LIMIT, Fact, comparable, half, write
from hour_lake.comparison.members import Versions, checks, failing, tagged_datasets
from hour_lake.comparison.shift import fact_shifts
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer

if TYPE_CHECKING:
    import duckdb

TABLES = ("facts", "verdicts")


def compare(
    lake: Lake, before: str, after: str, *, layers: Mapping[str, Layer], gates: Sequence[Gate],
    versions: Versions = "newest",
) -> Comparison:  # fmt: skip
    """What changes for somebody who reads `after` instead of `before`; both are pinned when this begins.

    Layers, their facts and the gates are those in force now, on both sides. Facts are compared for the layers of which
    something differs; a layer that no code declares any more is only counted. CONFIG_GATE, INTEGRITY, REF_NOT_FOUND.
    """
    with lake.pinned(before) as old, lake.pinned(after) as new:
        return _compare(lake, (before, old), (after, new), layers=layers, gates=gates, versions=versions)


def _compare(
    lake: Lake,
    before: tuple[str, str],
    after: tuple[str, str],
    *,
    layers: Mapping[str, Layer],
    gates: Sequence[Gate],
    versions: Versions,
) -> Comparison:
    """`before` and `after` as (ref, commit)."""
    commits = {"before": before[1], "after": after[1]}
    changed = layer_changes(lake, commits["before"], commits["after"])
    added, vanished = segment_changes(lake, commits["before"], commits["after"])
    moved = {change.layer for change in changed} if not added and not vanished else set(layers)
    datasets = tagged_datasets(lake, versions)
    with TemporaryDirectory(prefix="hour-lake-diff-") as scratch:
        facts: list[Fact] = []
        answers: dict[str, dict[str, dict[str, str] | str]] = {}
        for side, commit in commits.items():
            with half(lake, commit, layers=layers, gates=gates, scratch=Path(scratch)) as connection:
                facts = comparable(connection, [name for name in layers if name in moved])
                write(connection, facts, Path(scratch), side)
                answers[side] = {each.dataset: failing(connection, each) for each in datasets}
        with _both(Path(scratch)) as connection:
            counts = [connection.execute(f"SELECT count(*) FROM {side}_facts").fetchone() for side in commits]
            shifts = fact_shifts(connection, facts)
            return Comparison(
                before=Side(*before, counts[0][0] if counts[0] else 0),
                after=Side(*after, counts[1][0] if counts[1] else 0),
                segments_added=added,
                segments_vanished=vanished,
                layers=changed,
                facts=shifts,
                facts_same=len(facts) - len(shifts),
                gates=gate_flips(connection, gates),
                segments_flipped=segments_flipped(connection),
                datasets=list(checks(datasets, answers["before"], answers["after"])),
            )


def _both(folder: Path) -> "duckdb.DuckDBPyConnection":
    """Both sides in one database on disk, so that memory holds the columns that are being compared."""
    import duckdb

    connection = duckdb.connect(str(folder / "both.duckdb"))
    connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    for side in ("before", "after"):
        for table in TABLES:
            file = literal(str(folder / f"{side}_{table}.parquet"))
            connection.execute(f"CREATE TABLE {side}_{table} AS FROM read_parquet({file})")
    return connection
