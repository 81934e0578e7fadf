"""Frames of a stream from an instant on: seeks to a key frame before it, and proves that it got there."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hour_lake.errors import MediaError
from hour_lake.media.clock import Clock

# How far before the wanted instant to look for a key frame, in seconds, one after the other; at last, the beginning.
# An index may be coarse, and the frames that lead an open group of pictures cannot be decoded from that group alone.
BACK_OFF_SECONDS = (0, 2, 10, 60)
Media = VideoStream | AudioStream


def first_frame(container: InputContainer, video: VideoStream, where: str) -> tuple[VideoFrame, Fraction]:
    """The frame that is presented first, and when; NO_FRAMES when there is none. To be called on a fresh container."""
    clock = Clock(container.format.name, where)
    for frame in _decoded(container, video, where):
        return frame, clock.seconds(frame)
    raise MediaError("NO_FRAMES", "not one frame can be decoded", value=0, where=where)


def frames_from(
    container: InputContainer, video: VideoStream, at: Fraction, where: str
) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Presentation time and frame, in order of display, the first at or before `at` (both in seconds of the stream)."""
    is_first = True
    for time, frame in _reaching(container, video, at, where):
        if is_first and time > at:
            raise MediaError("CORRUPT", "the first frame cannot be found again", where=where, fix="remux it")
        is_first = False
        yield time, frame


def sound_from(container: InputContainer, audio: AudioStream, at: Fraction | None, where: str) -> Iterator[AudioFrame]:
    """Sound from somewhere before `at` (in seconds of the stream) on, or from its beginning; from there for None."""
    found = _timed(container, audio, None, where) if at is None else _reaching(container, audio, at, where)
    return (frame for _, frame in found)


def _reaching(container: InputContainer, stream: Media, at: Fraction, where: str) -> Iterator[tuple[Fraction, Any]]:
    for back in BACK_OFF_SECONDS:
        frames = _timed(container, stream, at - back, where)
        first = next(frames, None)
        if first is not None and first[0] <= at:
            yield first
            yield from frames
            return
    yield from _timed(container, stream, None, where)


def _timed(container: InputContainer, stream: Media, at: Fraction | None, where: str) -> Iterator[tuple[Fraction, Any]]:
    _seek(container, stream, at)
    clock = Clock(container.format.name if stream.type == "video" else "", where)
    for frame in _decoded(container, stream, where):
        yield clock.seconds(frame), frame


def _seek(container: InputContainer, stream: Media, at: Fraction | None) -> None:
    base = stream.time_base or Fraction(1, 1_000_000)
    start = stream.start_time or 0
    if at is None and container.format.name == "mpegts":
        container.seek(0, unsupported_byte_offset=True)  # it has no index, and a seek by time lands after the start
        return
    try:
        container.seek(start if at is None else max(start, int(at / base)), stream=stream)
    except FFmpegError:  # an index that begins later
        container.seek(start, stream=stream, any_frame=True)


def _decoded(container: InputContainer, stream: Media, where: str) -> Iterator[Any]:
    """Frames from the next key frame on; what cannot be decoded before the first one belongs to what was skipped."""
    is_begun = is_key = False
    for packet in container.demux(stream):
        is_key = is_key or packet.is_keyframe or not packet.size
        if not is_key:
            continue
        try:
            frames = packet.decode()
        except FFmpegError as error:
            if is_begun:
                raise MediaError("CORRUPT", "a frame cannot be decoded", value=error.strerror, where=where) from error
            continue
        for frame in frames:
            is_begun = True
            yield frame
