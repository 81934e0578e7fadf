"""A glimpse of one segment: a few frames, the outline of its sound, and how open the mouth is."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np
import pyarrow.parquet as pq
import soundfile
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hour_lake.datasets.drawing import Picture
from hour_lake.identity import FRAME_MS, Segment
from hour_lake.lake.interface import Lake
from hour_lake.media.open import open_media
from hour_lake.media.tracks import video_of
from hour_lake.settings import Limits

EPSILON = 1e-6  # a frame's time is a float


@dataclass(frozen=True)
class Glimpse:
    """What can be shown of a segment; what the lake does not have is empty.

    `peaks`: float32 `(columns,)`, 0..1 of full scale. `mouth`: float32 `(frames,)`, 0..1, NaN where no face is seen.
    """

    frames: Sequence[Picture]
    peaks: NDArray[np.float32]
    mouth: NDArray[np.float32]


def glimpse(lake: Lake, commit: str, segment: Segment, *, frames: int, columns: int) -> Glimpse:
    """Look at a segment's files of one commit; a segment without sound or without the layer `mouth` has no curve."""
    base = f"{segment.video_id}/{segment.id}"
    wav, mouth = f"audio/{base}.wav", f"layers/mouth/{base}.parquet"
    return Glimpse(
        _frames(lake, commit, f"segments/{base}.mp4", segment, frames),
        _peaks(lake.read(commit, wav), columns) if lake.entry(commit, wav) else np.empty(0, np.float32),
        _openness(lake.read(commit, mouth)) if lake.entry(commit, mouth) else np.empty(0, np.float32),
    )


def _frames(lake: Lake, commit: str, path: str, segment: Segment, count: int) -> list[Picture]:
    """Frames in the middle of equal parts; each costs a seek and at most a second of decoding."""
    entry = lake.entry(commit, path)
    if entry is None:
        return []
    pictures: list[Picture] = []
    with open_media(lake.local_file(commit, entry), Limits()) as container:
        video = video_of(container)
        for part in range(count):
            at = Fraction(segment.duration_ms * (2 * part + 1) // (2 * count) // FRAME_MS * FRAME_MS, 1000)
            pictures.append(_frame_at(container, video, at))
    return pictures


def _frame_at(container: InputContainer, video: VideoStream, at: Fraction) -> Picture:
    """The frame on screen at an instant of a clip of ours: constant 25 fps from time 0, so a seek is enough."""
    container.seek(int(at / (video.time_base or 1)), stream=video)
    shown = next(frame for frame in container.decode(video) if (frame.time or 0) + FRAME_MS / 1000 > at + EPSILON)
    return np.array(cast(Any, shown).to_ndarray(format="rgb24"), np.uint8)


def _peaks(wav: bytes, columns: int) -> NDArray[np.float32]:
    samples, _ = soundfile.read(io.BytesIO(wav), dtype="float32")
    edges = np.linspace(0, len(samples), columns + 1).astype(int)
    return np.array([np.abs(samples[a:b]).max(initial=0) for a, b in zip(edges, edges[1:], strict=False)], np.float32)


def _openness(data: bytes) -> NDArray[np.float32]:
    table = pq.read_table(io.BytesIO(data), page_checksum_verification=True)
    name = "openness"
    if name not in table.column_names:
        return np.empty(0, np.float32)
    return np.array([np.nan if v is None else v for v in table.column(name).to_pylist()], np.float32)


def told(facts: Mapping[str, Any], name: str) -> float | None:
    """One fact by its full name, `blink.blinks_per_minute`; None when the layer or the value is missing."""
    layer, _, field = name.partition(".")
    value = (facts.get(layer) or {}).get(field)
    return None if value is None else float(value)
