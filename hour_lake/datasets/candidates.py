"""Candidates: the segments that a specification's `where` picks, with all that its constraints ask of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.catalog.query import QueryLimits, run_query
from hour_lake.datasets.spec import DatasetSpec, sql_of
from hour_lake.errors import DatasetError, QueryError
from hour_lake.identity import FRAME_MS
from hour_lake.lake.interface import Entry, Lake
from hour_lake.passes.declare import Layer

LIMITS = QueryLimits(wall_seconds=120, memory_mib=4096)
KEPT = ("segment_id", "video_id", "start_ms", "stop_ms", "duration_seconds", "speaker", "licence", "consent", "source")
FOLDERS = {"clip": "segments/", "audio": "audio/"}
# The line break ends a comment that an expression may close with.
CAST = {"bool": "coalesce(({}\n)::BOOLEAN, false)", "text": "({}\n)::VARCHAR", "number": "({}\n)::DOUBLE"}


@dataclass(frozen=True)
class Candidates:
    """Rows in the order of segment ids; `columns` also has one column a constraint (`_c_<name>`) and `_group`."""

    columns: Mapping[str, list[Any]]
    commit_id: str
    files: Mapping[str, Mapping[str, list[Entry]]]  # segment id -> kind -> its files
    left_out: Mapping[str, int]  # why -> how many

    @property
    def count(self) -> int:
        """How many."""
        return len(self.columns["segment_id"])

    @property
    def frames(self) -> NDArray[np.int64]:
        """Length of each in whole frames, so that sums of seconds are exact."""
        length = np.array(self.columns["stop_ms"], np.int64) - np.array(self.columns["start_ms"], np.int64)
        return length // FRAME_MS

    @property
    def objective(self) -> NDArray[np.float64] | None:
        """What each adds to the objective; None when the objective is the size."""
        return np.array(self.columns["_objective"], np.float64) if "_objective" in self.columns else None


def find_candidates(lake: Lake, spec: DatasetSpec, ref: str, layers: Mapping[str, Layer]) -> Candidates:
    """Ask the facts once, and leave out what could not be delivered; DATASET_SPEC when an expression is wrong."""
    asked = list(sql_of(spec))
    columns = [*KEPT, *(f"{CAST[kind].format(sql)} AS {name}" for name, sql, kind in asked)]
    sql = f"SELECT {', '.join(columns)} FROM facts WHERE ({spec.where}\n) ORDER BY segment_id"
    try:
        answer = run_query(sql, lake=lake, ref=ref, layers=layers, limits=LIMITS)
    except QueryError as error:
        raise DatasetError("DATASET_SPEC", error.message, value=error.value, where=spec.name, fix=error.fix) from error
    found = answer.table.to_pydict()
    files = _files(lake, spec, answer.commit_id, layers)
    missing = {kind: [s not in files[kind] for s in found["segment_id"]] for kind in spec.include}
    if "_objective" in found:
        missing["objective"] = [value is None for value in found["_objective"]]
    keep = [i for i in range(len(found["segment_id"])) if not any(flags[i] for flags in missing.values())]
    kept = {name: [values[i] for i in keep] for name, values in found.items()}
    return Candidates(
        kept, answer.commit_id,
        {s: {kind: files[kind][s] for kind in spec.include} for s in kept["segment_id"]},
        {why: sum(flags) for why, flags in missing.items() if any(flags)},
    )  # fmt: skip


def _files(
    lake: Lake, spec: DatasetSpec, commit: str, layers: Mapping[str, Layer]
) -> dict[str, dict[str, list[Entry]]]:
    """Kind -> segment id -> entries: the clip, both sounds, or a layer's table."""
    found: dict[str, dict[str, list[Entry]]] = {}
    for kind in spec.include:
        if kind not in FOLDERS and kind not in layers:
            known = ", ".join(sorted([*FOLDERS, *layers]))
            raise DatasetError("DATASET_SPEC", "`include` names what no segment has", value=kind, where=spec.name,
                               fix=f"use {known}")  # fmt: skip
        by_segment: dict[str, list[Entry]] = {}
        for entry in lake.entries(commit, FOLDERS.get(kind, f"layers/{kind}/")):
            by_segment.setdefault(entry.path.rsplit("/", 1)[1].split(".")[0], []).append(entry)
        found[kind] = by_segment
    return found
