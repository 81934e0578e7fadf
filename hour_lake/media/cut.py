"""Cuts one segment out of a raw video: a clip exact to the frame and to the sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hour_lake.errors import MediaError
from hour_lake.identity import Segment
from hour_lake.media.clip import write_clip
from hour_lake.media.clock import on_screen, shown_until
from hour_lake.media.listen import MASTER_HZ, segment_sound
from hour_lake.media.open import open_media
from hour_lake.media.picture import Upright, look_of
from hour_lake.media.seek import Beginning, beginning, frames_from
from hour_lake.media.tracks import audio_of, video_of
from hour_lake.settings import Limits


@dataclass(frozen=True)
class ClipFacts:
    """What was written: counts as read back from the file. Without sound, `samples` and `channels` are 0."""

    frames: int
    samples: int
    width_px: int
    height_px: int
    channels: int
    size_bytes: int


def cut(source: Path, segment: Segment, destination: Path, limits: Limits) -> ClipFacts:
    """Write the clip of a segment: frame n is what the source shows at `start_ms + n * 40` (see `clock`).

    H.264 at constant 25 fps, upright, even sides; FLAC at 48 kHz if the source has sound (see `clip`). The same source
    and segment give the same bytes. Errors: those of `open_media`, UNSUPPORTED, CORRUPT, and COUNT_MISMATCH when the
    file does not hold exactly the frames and samples of the segment.
    """
    where = str(source)
    with open_media(source, limits) as container:
        video, audio = video_of(container), audio_of(container)
        begin = beginning(container, video, audio, where)
        look = look_of(begin.picture, video.sample_aspect_ratio, where)
        sound = None if audio is None else segment_sound(container, audio, segment, begin, where)
        upright = Upright(look)
        with write_clip(destination, look, sound) as clip:
            for picture in _pictures(container, video, segment, begin, where):
                clip.add(upright(picture))
            check_counts(segment, clip.frames, 0 if sound is None else len(sound), has_sound=sound is not None)
    return _read_back(destination, segment, has_sound=sound is not None)


def _pictures(
    container: InputContainer, video: VideoStream, segment: Segment, begin: Beginning, where: str
) -> Iterator[VideoFrame]:
    def spans() -> Iterator[tuple[float, float, VideoFrame]]:
        start = begin.origin + Fraction(segment.start_ms, 1000)
        for at, frame in frames_from(container, video, start, begin.clock, where):
            stop = at + shown_until(frame, video.average_rate)
            yield float(at - begin.origin) * 1000, float(stop - begin.origin) * 1000, frame

    return on_screen(spans(), start_ms=segment.start_ms, count=segment.frames)


def check_counts(segment: Segment, frames: int, samples: int, *, has_sound: bool) -> None:
    """COUNT_MISMATCH when these are not exactly the frames and samples of the segment."""
    wanted = (segment.frames, segment.samples(MASTER_HZ) if has_sound else 0)
    if (frames, samples) != wanted:
        raise MediaError("COUNT_MISMATCH", f"the clip should have {wanted[0]} frames and {wanted[1]} samples",
                         value=f"{frames} frames, {samples} samples", where=segment.id,
                         fix="plan the video again: it may be shorter than planned")  # fmt: skip


def _read_back(clip: Path, segment: Segment, *, has_sound: bool) -> ClipFacts:
    """Facts by reading the file; when its counts are wrong, it is removed."""
    with av.open(str(clip), format="mov") as container:
        video, audio = container.streams.video[0], next(iter(container.streams.audio), None)
        frames = samples = 0
        for packet in container.demux(video if audio is None else (video, audio)):
            frames += bool(packet.size) and packet.stream is video
            samples += (packet.duration or 0) if packet.stream is audio else 0
        channels = audio.codec_context.channels if audio else 0
        facts = ClipFacts(frames, samples, video.width, video.height, channels, clip.stat().st_size)
    try:
        check_counts(segment, frames, samples, has_sound=has_sound)
    except MediaError:
        clip.unlink()
        raise
    return facts
