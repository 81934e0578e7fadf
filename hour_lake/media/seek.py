"""Frames of a stream from an instant on: seeks to a key frame before it, and proves that it got there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hour_lake.errors import MediaError
from hour_lake.media.clock import Clock

# How far before the wanted instant to look for a key frame, in seconds, one after the other; at last, the beginning.
# An index may be coarse, and the frames that lead an open group of pictures cannot be decoded from that group alone.
BACK_OFF_SECONDS = (0, 2, 10, 60)
LATE_SOUND_PACKETS = 10_000  # after minutes without sound its beginning is not waited for
Media = VideoStream | AudioStream


@dataclass(frozen=True)
class Beginning:
    """The first frames of a video: `origin` is when its picture begins, in seconds of the stream, by its `clock`."""

    picture: VideoFrame
    clock: Clock
    origin: Fraction
    sound: AudioFrame | None


def beginning(container: InputContainer, video: VideoStream, audio: AudioStream | None, where: str) -> Beginning:
    """What is presented first; NO_FRAMES without a picture. Only a container that has not been read yet tells it.

    (After a seek back, Matroska and its kin give the sound that is to be skipped at the start, with a rounded time.)
    """
    picture: VideoFrame | None = None
    sound: AudioFrame | None = None
    for count, packet in enumerate(container.demux([video] if audio is None else [video, audio])):
        is_wanted = picture is None if packet.stream is video else sound is None
        frame = next(iter(_tried(packet)), None) if is_wanted else None
        if isinstance(frame, VideoFrame):
            picture = frame
        elif isinstance(frame, AudioFrame):
            sound = frame
        if picture is not None and (sound is not None or audio is None or count > LATE_SOUND_PACKETS):
            break
    if picture is None:
        raise MediaError("NO_FRAMES", "not one frame can be decoded", value=0, where=where)
    clock = Clock(video, where)
    return Beginning(picture, clock, clock.seconds(picture), sound)


def _tried(packet: "Packet[Any]") -> list[Any]:
    try:
        return packet.decode()
    except FFmpegError:
        return []


def frames_from(
    container: InputContainer, video: VideoStream, at: Fraction, clock: Clock, where: str
) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Presentation time and frame, in order of display, the first at or before `at` (both in seconds of the stream)."""
    is_first = True
    for time, frame in _reaching(container, video, at, clock.seconds, where):
        if is_first and time > at:
            raise MediaError("CORRUPT", "the first frame cannot be found again", where=where, fix="remux it")
        is_first = False
        yield time, frame


def sound_from(container: InputContainer, audio: AudioStream, at: Fraction, where: str) -> Iterator[AudioFrame]:
    """Sound from somewhere before `at` (in seconds of the stream) on, or from its beginning."""

    def seconds(frame: AudioFrame) -> Fraction:
        return (frame.pts or 0) * (frame.time_base or Fraction(0))

    return (frame for _, frame in _reaching(container, audio, at, seconds, where))


def _reaching(
    container: InputContainer, stream: Media, at: Fraction, seconds: Callable[[Any], Fraction], where: str
) -> Iterator[tuple[Fraction, Any]]:
    begin = (stream.start_time or 0) * (stream.time_base or 0)
    for back in (back for back in BACK_OFF_SECONDS if at - back > begin):
        _seek(container, stream, at - back)
        frames = ((seconds(frame), frame) for frame in _decoded(container, stream, where))
        first = next(frames, None)
        if first is not None and first[0] <= at:
            yield first
            yield from frames
            return
    _seek(container, stream, None)
    yield from ((seconds(frame), frame) for frame in _decoded(container, stream, where))


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
