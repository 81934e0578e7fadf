"""The media of one segment as layers get it: read when first asked for, proved by its counts."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.errors import HourLakeError, MediaError
from hour_lake.identity import FRAME_RATE, Segment, parse_segment_id
from hour_lake.passes.arrays import Frames, Samples

Sound = tuple[NDArray[np.float32], int]


@dataclass(frozen=True)
class SegmentMedia:
    """Files of one segment. With a `segment_id` on the grid, frames and samples must be exactly as many as it says."""

    segment_id: str
    clip: Path | None = None
    samples: Path | None = None
    master: Path | None = None


@dataclass(frozen=True)
class Readers:
    """How files become arrays. The ones in force are those of `hour_lake.media`; a test puts in its own."""

    frames: Callable[[Path], Iterable[Frames]]
    samples: Callable[[Path], Sound]
    master: Callable[[Path], Sound]

    @staticmethod
    def of_media() -> "Readers":
        """The real ones, imported when a pass needs them."""
        from hour_lake.media.decode import decode_frames
        from hour_lake.media.sound import read_master, read_samples

        return Readers(decode_frames, read_samples, read_master)


class OpenMedia:
    """`SegmentMedia` being read: `frames()` decodes once each time it is called, sounds are read once."""

    def __init__(self, media: SegmentMedia, readers: Readers | None) -> None:
        self.media = media
        self._given = readers
        try:
            self.segment: Segment | None = parse_segment_id(media.segment_id)
        except ValueError:  # any other file, as `try` takes it
            self.segment = None

    @cached_property
    def _readers(self) -> Readers:
        return self._given or Readers.of_media()

    def frames(self) -> Iterator[Frames]:
        """Batches in order; NO_FRAMES or COUNT_MISMATCH at the end when they were not all there."""
        path, read = self._path("clip"), self._readers.frames
        seen = 0
        try:
            for batch in read(path):
                seen += len(batch)
                yield batch
        except (HourLakeError, MemoryError, GeneratorExit):
            raise
        except Exception as error:
            raise MediaError("CORRUPT", "the clip cannot be decoded", value=f"frame {seen}: {error!r}",
                             where=str(path)) from error  # fmt: skip
        if seen == 0:
            raise MediaError("NO_FRAMES", "the clip has no frame that can be decoded", where=str(path))
        if self.segment and seen != self.segment.frames:
            raise _mismatch("frames", seen, self.segment.frames, path)

    def sound(self, kind: str) -> Samples:
        """`samples` or `master`, whole: at most a minute, 4 MB at 16 kHz."""
        return self._samples if kind == "samples" else self._master

    @cached_property
    def _samples(self) -> Samples:
        return self._read("samples", self._readers.samples)

    @cached_property
    def _master(self) -> Samples:
        return self._read("master", self._readers.master)

    def _read(self, kind: str, read: Callable[[Path], Sound]) -> Samples:
        path = self._path(kind)
        values, rate_hz = read(path)
        if self.segment and len(values) != self.segment.samples(rate_hz):
            raise _mismatch("samples", len(values), self.segment.samples(rate_hz), path)
        return Samples(values, rate_hz)

    def _path(self, kind: str) -> Path:
        path: Path | None = getattr(self.media, kind)
        if path is None:
            code = "NO_VIDEO" if kind == "clip" else "NO_AUDIO"
            raise MediaError(code, f"the segment has no {kind}", where=self.media.segment_id)
        return path

    def grid(self, rows: int) -> dict[str, NDArray[Any]]:
        """`frame_index` and `time_seconds` of frames 0 ... rows - 1 of a clip."""
        index = np.arange(rows, dtype=np.int32)
        return {"frame_index": index, "time_seconds": index / FRAME_RATE}


def _mismatch(what: str, seen: int, wanted: int, path: Path) -> MediaError:
    return MediaError("COUNT_MISMATCH", f"not as many {what} as the segment's bounds say", value=f"{seen} of {wanted}",
                      where=str(path), fix="make the segment again with `refresh`")  # fmt: skip
