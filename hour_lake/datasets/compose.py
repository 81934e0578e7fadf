"""`compose`: from a specification and one commit to an index of segments and a document that says how it came about."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from hour_lake.catalog.buckets import parquet_bytes
from hour_lake.datasets.candidates import KEPT, Candidates, find_candidates
from hour_lake.datasets.choose import Choice, Chooser
from hour_lake.datasets.conflict import conflict_of
from hour_lake.datasets.made_with import made_with
from hour_lake.datasets.solver import version
from hour_lake.datasets.spec import DatasetSpec, normalised
from hour_lake.identity import FRAME_RATE
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer

FILE = pa.struct([("kind", pa.string()), ("path", pa.string()), ("sha256", pa.string()), ("bytes", pa.int64())])
INDEX = pa.schema(
    [("segment_id", pa.string()), ("split", pa.string()), ("video_id", pa.string()), ("start_ms", pa.int64()),
     ("stop_ms", pa.int64()), ("duration_seconds", pa.float64()), ("speaker", pa.string()), ("licence", pa.string()),
     ("consent", pa.string()), ("source", pa.string()), ("objective", pa.float64()), ("files", pa.list_(FILE))]
)  # fmt: skip


@dataclass(frozen=True)
class Composed:
    """A dataset that nobody has published yet. `index` has the columns of `INDEX`, in the order of segment ids."""

    spec: DatasetSpec
    commit_id: str
    index: pa.Table
    document: Mapping[str, Any]

    @property
    def index_bytes(self) -> bytes:
        """`index.parquet`."""
        return parquet_bytes(self.index)

    @property
    def document_bytes(self) -> bytes:
        """`dataset.json`."""
        return (json.dumps(self.document, indent=1, ensure_ascii=False) + "\n").encode()


def compose(lake: Lake, spec: DatasetSpec, *, ref: str, layers: Mapping[str, Layer]) -> Composed:
    """Choose segments of the commit that `spec.ref` (else `ref`) names now; DATASET_INFEASIBLE says what is in the way.

    The same specification over the same facts gives the same bytes.
    """
    candidates = find_candidates(lake, spec, spec.ref or ref, layers)
    chooser = Chooser(spec, candidates)
    choice = chooser.best() if candidates.count else None
    if choice is None:
        raise conflict_of(chooser)
    index = _index(candidates, choice)
    models = made_with(lake, candidates.commit_id, index["segment_id"].to_pylist(), layers)
    return Composed(spec, candidates.commit_id, index, _document(chooser, choice, index, spec.ref or ref, models))


def _index(candidates: Candidates, choice: Choice) -> pa.Table:
    picked = np.flatnonzero(choice.chosen).tolist()
    rows: list[dict[str, Any]] = []
    for i, part in zip(picked, choice.parts, strict=True):
        row = {name: candidates.columns[name][i] for name in KEPT}
        worth = candidates.objective
        files = [
            {"kind": kind, "path": entry.path, "sha256": entry.digest, "bytes": entry.size_bytes}
            for kind, entries in candidates.files[row["segment_id"]].items() for entry in entries
        ]  # fmt: skip
        rows.append(
            row | {"split": part or None, "objective": None if worth is None else float(worth[i]), "files": files}
        )
    return pa.Table.from_pylist(rows, schema=INDEX)


def _document(chooser: Chooser, choice: Choice, index: pa.Table, ref: str, models: Mapping[str, Any]) -> dict[str, Any]:
    spec, candidates = chooser.spec, chooser.candidates
    rows = index.to_pylist()
    files = [file for row in rows for file in row["files"]]
    return {
        "name": spec.name,
        "description": spec.description,
        "spec": normalised(spec),
        "source": {"ref": ref, "commit": candidates.commit_id},
        "segments": len(rows),
        "seconds": _seconds(rows),
        "files": {"count": len(files), "bytes": sum(file["bytes"] for file in files)},
        "candidates": {"count": candidates.count, "left_out": dict(candidates.left_out)},
        "constraints": [
            {"name": rule.name, "wanted": rule.wanted, "achieved": rule.in_words(choice.chosen), "holds": True}
            for rule in chooser.rules
        ],
        "objective": {**spec.objective.model_dump(exclude_none=True), "value": _objective(spec, choice)},
        "splits": {part: _part(rows, part) for part in (spec.split.shares if spec.split else ())},
        "speakers": _counts(rows, "speaker"),
        "licences": _counts(rows, "licence"),
        "consent": _counts(rows, "consent"),
        "models": models,
        "solver": {"name": version(), "status": choice.status},
    }  # fmt: skip


def _objective(spec: DatasetSpec, choice: Choice) -> float:
    """What was summed, as the specification names it: frames are told as seconds."""
    value = choice.objective if spec.objective.maximise is not None else -choice.objective
    in_frames = spec.objective.expression == "size" and spec.size.unit == "seconds"
    return round(value / FRAME_RATE if in_frames else value, 9)


def _part(rows: Sequence[Mapping[str, Any]], part: str) -> dict[str, Any]:
    inside = [row for row in rows if row["split"] == part]
    return {"segments": len(inside), "seconds": _seconds(inside), "speakers": sorted(_counts(inside, "speaker"))}


def _seconds(rows: Sequence[Mapping[str, Any]]) -> float:
    return sum(row["stop_ms"] - row["start_ms"] for row in rows) / 1000


def _counts(rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, int]:
    return dict(sorted(Counter(row[column] or "(none)" for row in rows).items()))
