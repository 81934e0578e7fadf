"""Which facts the compacted table does not have, because something was written or declared anew since."""

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import pyarrow.parquet as pq

from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import FLAGS, SEGMENTS, Source, layer_source
from hour_lake.identity import Segment, parse_segment_id
from hour_lake.lake.interface import Change, Entry
from hour_lake.passes.declare import Layer


@dataclass(frozen=True)
class Written:
    """Segments whose struct must be computed anew, and the files to compute it from."""

    segments: frozenset[str]
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Fresh:
    """What to compute now. None stands for all segments."""

    changed: Mapping[str, Written | None]  # by layer name, and "flags"
    gate_counts: Mapping[str, int]  # the fields of the `flags` struct, and how many segments' flags name each
    new_segments: Sequence[Mapping[str, Any]]
    moved_segments: frozenset[str]  # their compacted rows are stale: written again, or gone

    @property
    def stale(self) -> frozenset[str] | None:
        """Segments whose compacted facts cannot be taken as they are."""
        together = set(self.moved_segments)
        for written in self.changed.values():
            if written is None:
                return None
            together |= written.segments
        return frozenset(together)


def fresh_of(snapshot: Snapshot, layers: Mapping[str, Layer], digests: Mapping[str, str]) -> Fresh:
    """Compare a snapshot with its compacted tables; `digests` are those of the layers' facts as declared now."""
    moves = snapshot.changes(SEGMENTS)
    newborn = frozenset(segment_of(change) for change in moves if change.before is None)
    gate_counts = _gate_counts(snapshot)
    flags = _written(snapshot, FLAGS, newborn)
    changed = {
        name: _written(snapshot, layer_source(layer), newborn)
        if snapshot.known_facts.get(name) == digests[name] else None
        for name, layer in layers.items()
    }  # fmt: skip
    same_gates = gate_counts.keys() == snapshot.known_gates.keys()
    changed["flags"] = flags if snapshot.base and same_gates else None
    return Fresh(
        changed=changed,
        gate_counts=gate_counts,
        new_segments=[segment_row(parse_segment_id(segment_of(c)), c.after) for c in moves if c.after is not None],
        moved_segments=frozenset(segment_of(change) for change in moves),
    )


def segment_of(change: Change) -> str:
    """The segment that a path is about: its file's name."""
    return PurePosixPath(change.path).stem


def _written(snapshot: Snapshot, source: Source, newborn: frozenset[str]) -> Written:
    """Since the base. A segment that the base does not know has no compacted facts even of older tables."""
    changes = snapshot.changes(source)
    entries = [change.after for change in changes if change.after is not None]
    ids = frozenset(segment_of(change) for change in changes)
    if snapshot.base is not None:
        for name in sorted(newborn - ids):
            path = f"{source.prefix}{parse_segment_id(name).video_id}/{name}.parquet"
            older = snapshot.lake.entry(snapshot.commit_id, path)
            entries += [older] if older else []
    return Written(ids | newborn, entries)


def _gate_counts(snapshot: Snapshot) -> dict[str, int]:
    """Gate -> how many segments' flags name it now: those of the base, less what is gone since, and what is new.

    A gate that no flags name any more is no field any more.
    """
    counts = Counter(snapshot.known_gates)
    for change in snapshot.changes(FLAGS):
        counts.subtract(_gates_of(snapshot, snapshot.base or "", change.before) if change.before else ())
        counts.update(_gates_of(snapshot, snapshot.commit_id, change.after) if change.after else ())
    return {gate: counts[gate] for gate in sorted(counts) if counts[gate] > 0}


def _gates_of(snapshot: Snapshot, commit: str, entry: Entry) -> frozenset[str]:
    """The gates that one file has a row for: those that it was made with, which its entry says."""
    parts = entry.metadata.get("parts")
    if parts:
        return _gates_in(parts)
    table = pq.read_table(io.BytesIO(snapshot.lake.read(commit, entry.path)), columns=["gate"])
    return frozenset(table.column("gate").to_pylist())


@lru_cache(maxsize=64)  # a batch of segments was judged by the same gates
def _gates_in(parts: str) -> frozenset[str]:
    return frozenset(part.removeprefix("config:") for part in json.loads(parts) if part.startswith("config:"))


def segment_row(segment: Segment, clip: Entry | None) -> dict[str, Any]:
    """A segment as a row of the view `segments`."""
    return {
        "segment_id": segment.id, "video_id": segment.video_id, "start_ms": segment.start_ms,
        "stop_ms": segment.stop_ms, "duration_seconds": segment.duration_ms / 1000,
        "clip_sha256": clip.digest if clip else None, "clip_bytes": clip.size_bytes if clip else None,
    }  # fmt: skip
