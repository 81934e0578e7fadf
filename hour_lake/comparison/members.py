"""Which members of a tagged dataset its own `where` would not pick any more, and which part of it fails.

A tag never changes: pulling it gives the same bytes whatever this says. It is about the next version.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hour_lake.catalog.expression import conjuncts_of
from hour_lake.comparison.answer import DatasetCheck, Disqualified
from hour_lake.datasets.publish import TAG, find_version, read_index
from hour_lake.datasets.spec import DatasetSpec
from hour_lake.lake.interface import Lake

if TYPE_CHECKING:
    import duckdb

Versions = Literal["newest", "all"]


@dataclass(frozen=True)
class Tagged:
    """One version: its members and what its specification asks of each of them."""

    dataset: str  # name@vN
    tag: str
    where: str
    members: Sequence[str]


def tagged_datasets(lake: Lake, versions: Versions = "newest") -> list[Tagged]:
    """The newest version of each dataset, or all of them, by name."""
    numbers: dict[str, list[int]] = {}
    for match in filter(None, map(TAG.fullmatch, lake.tags())):
        numbers.setdefault(match[1], []).append(int(match[2]))
    wanted = ((name, sorted(of)[-1:] if versions == "newest" else sorted(of)) for name, of in sorted(numbers.items()))
    return [_tagged(lake, f"{name}@v{number}") for name, chosen in wanted for number in chosen]


def _tagged(lake: Lake, dataset: str) -> Tagged:
    version = find_version(lake, dataset)
    document = json.loads(lake.read(version.commit_id, f"datasets/{version.name}/dataset.json"))
    where = DatasetSpec.model_validate(document["spec"]).where
    return Tagged(dataset, version.tag, where, read_index(lake, version).column("segment_id").to_pylist())


def failing(connection: "duckdb.DuckDBPyConnection", tagged: Tagged) -> dict[str, str] | str:
    """Member -> why it does not qualify on this side (a connection of `half`); a text when the question cannot be put.

    Where a part of `where` is about `flags`, the gates that the segment does not pass are named.
    """
    import duckdb

    parts = conjuncts_of(tagged.where)
    columns = ", ".join(f"coalesce(({part}\n)::BOOLEAN, false)" for part in parts)
    try:
        rows = connection.execute(
            f"SELECT segment_id, {columns} FROM judged AS facts WHERE list_contains(?, segment_id)",
            [list(tagged.members)],
        ).fetchall()
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    found = {row[0]: [part for part, holds in zip(parts, row[1:], strict=True) if not holds] for row in rows}
    failed = {segment_id: wrong for segment_id, wrong in found.items() if wrong}
    gates = _gates_failed(connection, failed)
    gone = {segment_id: "the segment is gone" for segment_id in tagged.members if segment_id not in found}
    return gone | {s: "; ".join(_worded(part, gates.get(s, ())) for part in wrong) for s, wrong in failed.items()}


def checks(
    tagged: Iterable[Tagged], before: Mapping[str, dict[str, str] | str], after: Mapping[str, dict[str, str] | str]
) -> Iterator[DatasetCheck]:
    """Both sides' answers by dataset, joined: who qualified and no longer does."""
    for each in tagged:
        old, new = before[each.dataset], after[each.dataset]
        if isinstance(new, str):
            yield DatasetCheck(each.dataset, each.tag, len(each.members), (), 0, problem=new)
            continue
        known = set() if isinstance(old, str) else set(old)
        lost = [Disqualified(s, why) for s, why in sorted(new.items()) if s not in known]
        yield DatasetCheck(each.dataset, each.tag, len(each.members), lost, len(known & set(new)))


def _gates_failed(connection: "duckdb.DuckDBPyConnection", segments: Iterable[str]) -> dict[str, list[str]]:
    rows = connection.execute(
        "SELECT segment_id, list(gate || ': ' || reason ORDER BY gate) FROM verdicts "
        "WHERE passed IS DISTINCT FROM true AND list_contains(?, segment_id) GROUP BY segment_id", [list(segments)],
    ).fetchall()  # fmt: skip
    return dict(rows)


def _worded(part: str, gates: Sequence[str]) -> str:
    return f"{part} ({', '.join(gates)})" if gates and part.lstrip("( ").startswith("flags.") else part
