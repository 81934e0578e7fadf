"""Writes frames and sound into a video file, the same bytes each time."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.codec.context
import numpy as np
from av.audio import AudioStream
from av.container import OutputContainer
from av.video import VideoStream
from numpy.typing import NDArray

from hour_lake.sample.planes import Planes
from hour_lake.sample.voice import RATE_HZ

AUDIO_CHUNK = 4096
KEY_FRAME_SECONDS = 2
FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
X264 = {"preset": "veryfast", "crf": "22", "threads": "1"}
BT709 = 1
LIMITED_RANGE = 1


@dataclass(frozen=True)
class Recording:
    """How a file is to be written. `size` is (width, height) as stored; `sound` the codec's name or "none"."""

    size: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    sound: str = "aac"
    channels: int = 1


def write_video(
    path: Path, recording: Recording, pictures: Iterable[tuple[int, Planes]], samples: NDArray[np.float32]
) -> None:
    """`pictures`: (time in units of the time base, picture); `samples`: mono float32 at 48 kHz."""
    options = {"fflags": "+bitexact", "movflags": "+faststart"}
    with av.open(str(path), "w", format=FORMATS[path.suffix], container_options=options) as out:
        video = _video_stream(out, recording)
        audio = None if recording.sound == "none" else _audio_stream(out, recording)
        sound = _chunks(samples, recording)
        for at, picture in pictures:
            if audio is not None:
                _write_sound(out, audio, sound, until_seconds=float(at * recording.time_base))
            out.mux(video.encode(_frame(picture, at, recording)))
        out.mux(video.encode(None))
        if audio is not None:
            _write_sound(out, audio, sound, until_seconds=float("inf"))
            out.mux(audio.encode(None))


def turn_display(path: Path) -> None:
    """Notes in an MP4 file that its picture is to be turned a quarter to the right when shown.

    The note is the matrix of the video track's header (ISO 14496-12, `tkhd`), nine numbers at byte 48 of the box:
    a b u, c d v, x y w; x' = a*x + c*y + tx, y' = b*x + d*y + ty.
    """
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") - 4  # the first track is the video
    stored_height = struct.unpack_from(">I", data, at + 88)[0]
    one = 1 << 16
    struct.pack_into(">9i", data, at + 48, 0, one, 0, -one, 0, 0, stored_height, 0, 1 << 30)
    path.write_bytes(data)


def _video_stream(out: OutputContainer, recording: Recording) -> VideoStream:
    stream = out.add_stream("libx264", rate=recording.rate, options=dict(X264))
    stream.width, stream.height = recording.size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base, context.thread_count = recording.time_base, 1
    context.gop_size = round(KEY_FRAME_SECONDS * recording.rate)
    context.flags |= av.codec.context.Flags.bitexact
    context.colorspace, context.color_primaries, context.color_trc = BT709, BT709, BT709
    context.color_range = LIMITED_RANGE
    return stream


def _audio_stream(out: OutputContainer, recording: Recording) -> AudioStream:
    layout = "stereo" if recording.channels == 2 else "mono"
    stream = cast("AudioStream", out.add_stream(recording.sound, rate=RATE_HZ, layout=layout))
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    if recording.sound == "aac":
        stream.bit_rate = 96_000 * recording.channels
    return stream


def _frame(picture: Planes, at: int, recording: Recording) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture.i420(), "yuv420p")
    frame.pts, frame.time_base = at, recording.time_base
    frame.colorspace, frame.color_range = BT709, LIMITED_RANGE
    return frame


def _chunks(samples: NDArray[np.float32], recording: Recording) -> Iterator[av.AudioFrame]:
    layout = "stereo" if recording.channels == 2 else "mono"
    for first in range(0, len(samples), AUDIO_CHUNK):
        part = np.repeat(samples[None, first : first + AUDIO_CHUNK], recording.channels, 0)
        if recording.sound == "pcm_s16le":
            whole = np.rint(np.clip(part, -1, 1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole.T.reshape(1, -1)), "s16", layout)
        else:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "fltp", layout)
        frame.rate, frame.pts, frame.time_base = RATE_HZ, first, Fraction(1, RATE_HZ)
        yield frame


def _write_sound(
    out: OutputContainer, audio: AudioStream, sound: Iterator[av.AudioFrame], *, until_seconds: float
) -> None:
    """Chunks up to a time, so that sound and picture lie side by side in the file."""
    for frame in sound:
        out.mux(audio.encode(frame))
        if float((frame.pts or 0) / RATE_HZ) > until_seconds:
            return
