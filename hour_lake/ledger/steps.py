"""The steps that a segment goes through, as the ledger sees them: what each reads, writes and is made by."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

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
    a step that copes with missing inputs. `parts` are those of its fingerprint that are the same for every segment;
    `also` are further objects it writes; `told` goes into the metadata of its own object beside the fingerprint.
    """

    name: str
    reads: tuple[str, ...]
    path: Callable[[Segment], str]
    parts: Mapping[str, str]
    needs_all: bool = True
    also: tuple[Callable[[Segment], str], ...] = ()
    told: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def code_version(self) -> str:
        """Twelve hex digits over its code, for the UI."""
        code = sorted(item for item in self.parts.items() if item[0].startswith("source:"))
        return hashlib.sha256(repr(code).encode()).hexdigest()[:12]

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
