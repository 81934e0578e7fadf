"""Facts about a raw video, from its header and packets; nothing is decoded but the first frame."""

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from hour_lake.errors import MediaError
from hour_lake.media.open import open_media
from hour_lake.media.picture import Look, look_of
from hour_lake.media.sniff import sniff
from hour_lake.media.tracks import audio_of, codec_name, video_of
from hour_lake.settings import Limits

# A video has a variable rate when over 1 % of its frames stay longer or shorter than most by over 10 % and 2 ms.
VFR_SHARE, VFR_RATIO, VFR_MS = 0.01, 0.1, 2.0


@dataclass(frozen=True)
class VideoFacts:
    """One raw video. Sizes are as shown, after rotation; `rotation_degrees` is what a player turns it clockwise.

    `frame_rate` is measured, `nominal_frame_rate` is what the container says. Durations are those of the streams.
    """

    container: str
    video_codec: str
    audio_codec: str | None
    width_px: int
    height_px: int
    rotation_degrees: int
    frame_rate: float
    nominal_frame_rate: float
    is_vfr: bool
    frames: int
    video_duration_seconds: float
    audio_duration_seconds: float | None
    sample_rate_hz: int | None
    channels: int | None
    size_bytes: int
    sha256: str


def probe(path: Path, limits: Limits) -> VideoFacts:
    """Facts without a full decode; `scan` proves them. Errors: those of `open_media`, and NO_FRAMES.

    `probe(Path("talk.mp4"), Limits()).frame_rate == 29.97`
    """
    with open_media(path, limits) as container:
        video, audio = video_of(container), audio_of(container)
        streams = [video] if audio is None else [video, audio]
        found: dict[int, list[tuple[Fraction, Fraction]]] = {stream.index: [] for stream in streams}
        first: VideoFrame | None = None
        for packet in container.demux(streams):
            if first is None and packet.stream is video:
                first = _first_frame(packet)
            if packet.size and packet.pts is not None and not packet.is_discard:
                base = packet.time_base
                found[packet.stream_index].append((packet.pts * base, (packet.duration or 0) * base))
        if first is None or not found[video.index]:
            raise MediaError("NO_FRAMES", "not one frame can be decoded", value=0, where=str(path))
        begin = sorted(start for start, _ in found[video.index])
        sound = found[audio.index] if audio is not None else []
        return facts_of(
            path, container, look_of(first, video.sample_aspect_ratio, str(path)),
            time_ms=np.array([float(start - begin[0]) * 1000 for start in begin]),
            video_seconds=float(max(map(sum, found[video.index])) - begin[0]),
            audio_seconds=float(max(map(sum, sound)) - min(sound)[0]) if sound else None,
        )  # fmt: skip


def _first_frame(packet: "Packet[Any]") -> VideoFrame | None:
    try:
        return next(iter(packet.decode()), None)
    except FFmpegError:
        return None


def facts_of(
    path: Path,
    container: InputContainer,
    look: Look,
    *,
    time_ms: NDArray[np.float64],
    video_seconds: float,
    audio_seconds: float | None,
) -> VideoFacts:
    """The facts of an open video whose frame times, float64 `(n,)`, and durations are known."""
    video, audio = video_of(container), audio_of(container)
    measured = frame_rate_of(time_ms, video_seconds)
    width_px, height_px = look.upright_px
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return VideoFacts(
        container=sniff(path), video_codec=codec_name(video), audio_codec=codec_name(audio) if audio else None,
        width_px=width_px, height_px=height_px, rotation_degrees=look.rotation_degrees,
        frame_rate=measured, nominal_frame_rate=float(video.guessed_rate or measured), is_vfr=is_vfr(time_ms),
        frames=len(time_ms), video_duration_seconds=video_seconds, audio_duration_seconds=audio_seconds,
        sample_rate_hz=audio.codec_context.sample_rate if audio else None,
        channels=audio.codec_context.channels if audio else None,
        size_bytes=path.stat().st_size, sha256=sha256,
    )  # fmt: skip


def frame_rate_of(time_ms: NDArray[np.float64], video_seconds: float) -> float:
    """Frames a second between the first and the last frame, to 3 decimals; of the whole when there is one frame."""
    if len(time_ms) > 1 and time_ms[-1] > time_ms[0]:
        return round(float(1000 * (len(time_ms) - 1) / (time_ms[-1] - time_ms[0])), 3)
    return round(len(time_ms) / video_seconds, 3) if video_seconds > 0 else 0.0


def is_vfr(time_ms: NDArray[np.float64]) -> bool:
    """Whether frames follow each other at uneven distances, beyond what rounding to milliseconds does."""
    if len(time_ms) < 3:
        return False
    gaps = np.diff(time_ms)
    usual = float(np.median(gaps))
    return bool(np.mean(np.abs(gaps - usual) > max(VFR_MS, VFR_RATIO * usual)) > VFR_SHARE)
