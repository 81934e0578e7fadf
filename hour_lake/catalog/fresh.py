"""Which facts the compacted table does not have, because something was written or declared anew since."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    gates: Sequence[str]  # fields of the `flags` struct
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
    known = set(snapshot.known_gates)
    flags = _written(snapshot, FLAGS, newborn)
    seen = _gates_in(snapshot, flags.entries)
    changed = {
        name: _written(snapshot, layer_source(layer), newborn)
        if snapshot.known_facts.get(name) == digests[name] else None
        for name, layer in layers.items()
    }  # fmt: skip
    changed["flags"] = flags if snapshot.base and seen <= known else None
    return Fresh(
        changed=changed,
        gates=sorted(known | seen),
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


def _gates_in(snapshot: Snapshot, entries: Sequence[Entry]) -> set[str]:
    """Names of the gates; a batch of segments was judged by the same gates, so most files hold nothing new."""
    found: set[str] = set()
    for entry in entries:
        named = entry.metadata.get("gates")
        found |= set(named.split(",")) if named else _gates_of_file(snapshot, entry)
    return found


def _gates_of_file(snapshot: Snapshot, entry: Entry) -> set[str]:
    data = snapshot.lake.read(snapshot.commit_id, entry.path)
    return set(pq.read_table(io.BytesIO(data), columns=["gate"]).column("gate").to_pylist())


def segment_row(segment: Segment, clip: Entry | None) -> dict[str, Any]:
    """A segment as a row of the view `segments`."""
    return {
        "segment_id": segment.id, "video_id": segment.video_id, "start_ms": segment.start_ms,
        "stop_ms": segment.stop_ms, "duration_seconds": segment.duration_ms / 1000,
        "clip_sha256": clip.digest if clip else None, "clip_bytes": clip.size_bytes if clip else None,
    }  # fmt: skip
