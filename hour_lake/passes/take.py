"""One file, whatever it is, as the segment that the pipeline would make of all of it; for `try`.

a clip of a segment   as it is
any other video       cut as a segment is, once a process: what comes of it is what a run gives
a long video          the same frames and sound, but not encoded, which would take minutes
a sound               from its first sample on; only for layers that look at nothing
"""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from hour_lake.errors import MediaError
from hour_lake.identity import Segment, derived_video_id
from hour_lake.media.cut import cut
from hour_lake.media.decode import decode_frames
from hour_lake.media.extent import Extent, extent_of
from hour_lake.media.laid import laid_on_grid
from hour_lake.media.listen import MASTER_HZ
from hour_lake.media.ready import is_clip
from hour_lake.passes.arrays import Frames
from hour_lake.passes.media import Readers, SegmentMedia
from hour_lake.passes.sound_of import Heard, sound_alone, sound_of_video
from hour_lake.settings import Limits

# Half a minute of 1080p, or a minute of 720p: to cut that takes about 20 s, 15 ns a pixel (measured on talking heads).
ENCODED_PIXELS = 30 * 25 * 1920 * 1080
NOT_ENCODED = "so long a video is not encoded first, as a segment is: what that does to its pixels is left out"
NO_VIDEO = ("NO_VIDEO", "NOT_MEDIA", "FORMAT_REFUSED")


@dataclass(frozen=True)
class Take:
    """A file for one run: `media` and the `readers` that go with it. `note`: how what it gives differs from a run's."""

    media: SegmentMedia
    readers: Readers
    duration_seconds: float
    note: str | None = None


def take_of(file: Path, *, is_seen: bool, limits: Limits) -> Take:
    """`is_seen`: whether a layer reads frames. Errors: those of `extent_of`, and of `sound_alone` when none does.

    `take_of(Path("talk.mov"), is_seen=True, limits=Limits()).duration_seconds == 12.04`
    """
    try:
        extent = extent_of(file, limits)
    except MediaError as error:
        if is_seen or error.code not in NO_VIDEO:
            raise
        return _of_sound(file)
    return _of_video(file, extent, is_seen=is_seen, limits=limits)


def _of_sound(file: Path) -> Take:
    heard = sound_alone(file)
    # A path is no segment's name: nothing says how many samples there must be.
    media = SegmentMedia(str(file.resolve()), None, file, file)
    return Take(media, _readers(lambda: iter(()), lambda: heard), len(heard.pcm_48k) / MASTER_HZ)


def _of_video(file: Path, extent: Extent, *, is_seen: bool, limits: Limits) -> Take:
    whole = Segment(derived_video_id(file.name), 0, extent.length_ms)
    frames, note = _frames_of_cut, None
    if is_clip(file, limits):
        frames = _frames_as_they_are
    elif extent.pixels > ENCODED_PIXELS:
        frames, note = _frames_laid, NOT_ENCODED
    readers = _readers(partial(frames, file, whole, limits), cache(partial(sound_of_video, file, whole, limits)))
    media = SegmentMedia(whole.id, file, file, file)
    return Take(media, readers, whole.duration_ms / 1000, note if is_seen else None)


def _readers(frames: Callable[[], Iterable[Frames]], heard: Callable[[], Heard]) -> Readers:
    """Whatever path they are given, it is the one file."""
    return Readers(lambda _: frames(), lambda _: heard().samples, lambda _: heard().master)


def _frames_as_they_are(file: Path, whole: Segment, limits: Limits) -> Iterator[Frames]:
    return decode_frames(file, limits=limits)


def _frames_laid(file: Path, whole: Segment, limits: Limits) -> Iterator[Frames]:
    return laid_on_grid(decode_frames(file, limits=limits), frames=whole.frames)


def _frames_of_cut(file: Path, whole: Segment, limits: Limits) -> Iterator[Frames]:
    facts = file.stat()
    key = (file.resolve(), facts.st_mtime_ns, facts.st_size)
    if key not in _kept:
        _kept.clear()
        _kept[key] = _Cut(file, whole, limits)
    made = _kept[key]  # held until it is read
    yield from decode_frames(made.clip)


class _Cut:
    """The clip of a whole video, in a folder that goes when nobody holds this any more, at the latest at the end."""

    def __init__(self, file: Path, whole: Segment, limits: Limits) -> None:
        folder = tempfile.mkdtemp(prefix="hour-lake-try-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.clip = Path(folder, f"{whole.id}.mp4")
        cut(file, whole, self.clip, limits)


# The one that was made last: a layer is tried again and again on the same file.
_kept: dict[tuple[Path, int, int], _Cut] = {}
