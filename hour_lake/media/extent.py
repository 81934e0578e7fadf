"""How long and how large the picture of a video is, from its first and its last frames; `scan` proves the rest."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from hour_lake.errors import MediaError
from hour_lake.identity import FRAME_MS
from hour_lake.media.clock import first_tick, shown_until
from hour_lake.media.open import open_media
from hour_lake.media.picture import look_of
from hour_lake.media.seek import beginning, frames_from
from hour_lake.media.tracks import video_of
from hour_lake.settings import Limits

TAIL_SECONDS = 1  # before the end that the container declares; a key frame before that is looked for anyway


@dataclass(frozen=True)
class Extent:
    """`length_ms`: until when the last frame is on screen, on the grid of 40 ms. `size_px`: width, height as shown."""

    length_ms: int
    size_px: tuple[int, int]

    @property
    def frames(self) -> int:
        """Of a clip of the whole video."""
        return self.length_ms // FRAME_MS

    @property
    def pixels(self) -> int:
        """In all frames of that clip together."""
        return self.frames * self.size_px[0] * self.size_px[1]


def extent_of(path: Path, limits: Limits) -> Extent:
    """The same length as a `scan` finds, without its full decode. Errors: those of `open_media`, NO_FRAMES, CORRUPT.

    `extent_of(Path("talk.mp4"), Limits()).frames == 750`
    """
    where = str(path)
    with open_media(path, limits) as container:
        video = video_of(container)
        begin = beginning(container, video, None, where)
        look = look_of(begin.picture, video.sample_aspect_ratio, where)
        near = begin.origin + max(Fraction(0), _declared_seconds(container, video) - TAIL_SECONDS)
        end = begin.origin
        for at, frame in frames_from(container, video, near, begin.clock, where):
            end = at + shown_until(frame, video.average_rate)
    length_ms = first_tick(float(end - begin.origin) * 1000)
    if not length_ms:
        raise MediaError("NO_FRAMES", "the picture is gone before it is seen", value=f"{float(end - begin.origin):g} s",
                         where=where, fix="give a longer video")  # fmt: skip
    return Extent(length_ms, look.upright_px)


def _declared_seconds(container: InputContainer, video: VideoStream) -> Fraction:
    """Of the picture, else of the file; 0 where neither is said."""
    if video.duration and video.time_base:
        return video.duration * video.time_base
    return Fraction(container.duration or 0, 1_000_000)
