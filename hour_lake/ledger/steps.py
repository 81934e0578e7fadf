"""The steps that a segment goes through, as the ledger sees them: what each reads, writes and is made by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hour_lake.identity import Segment
from hour_lake.ledger import paths

# What a step may read besides other steps, and where it lies.
MEDIA: Mapping[str, Callable[[Segment], str]] = {
    "frames": paths.clip_path,
    "samples": paths.samples_path,
    "master": paths.master_path,
}
# The step that writes what is read.
WRITER = {"frames": "segments", "samples": "audio", "master": "audio"}


@dataclass(frozen=True)
class Step:
    """One asset of the `segments` partitions.

    `reads` names media (`frames`, `samples`, `master`), `video` (the raw file) or other steps. `needs_all` is false for
    a step that copes with missing inputs. `also`: further objects it writes. `source` is the digest of its code,
    `models` the sha256 of its weights.
    """

    name: str
    reads: tuple[str, ...]
    path: Callable[[Segment], str]
    source: str
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    models: Mapping[str, str] = field(default_factory=dict[str, str])
    needs_all: bool = True
    also: tuple[Callable[[Segment], str], ...] = ()

    def input_path(self, read: str, segment: Segment) -> str:
        """Where one of its inputs lies."""
        if read == "video":
            return paths.video_path(segment.video_id)
        return MEDIA[read](segment) if read in MEDIA else paths.layer_path(read, segment)

    def outputs(self, segment: Segment) -> tuple[str, ...]:
        """All paths that it writes for a segment, its own first."""
        return (self.path(segment), *(path(segment) for path in self.also))

    @staticmethod
    def writer(read: str) -> str:
        """The asset that writes what is read."""
        return "segment_plan" if read == "video" else WRITER.get(read, read)

    @property
    def upstream(self) -> tuple[str, ...]:
        """The assets it depends on, each once."""
        return tuple(dict.fromkeys(self.writer(read) for read in self.reads))
