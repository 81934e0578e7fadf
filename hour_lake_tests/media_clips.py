"""Makes small videos whose frames carry their own number as black and white blocks, for tests of media."""

import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from hour_lake.media.tools import ffmpeg_path

BITS = 10
SIZE_PX = (160, 96)
X264 = {"preset": "ultrafast", "crf": "20", "x264-params": "bframes=2:keyint=24:scenecut=0:threads=1"}
OPTIONS: dict[str, dict[str, str]] = {
    "libx264": X264,
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:keyint=24:bframes=2:pools=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "mpeg4": {"bf": "2", "g": "12", "b": "2M"},
}


def numbered(number: int, size_px: tuple[int, int] = SIZE_PX) -> NDArray[np.uint8]:
    """uint8 `(height, width, 3)`: the bits of a number from left to right, lowest first, on grey."""
    width, height = size_px
    picture = np.full((height, width, 3), 128, np.uint8)
    block = width // BITS
    for bit in range(BITS):
        picture[height // 4 : 3 * height // 4, bit * block : (bit + 1) * block] = 255 if number >> bit & 1 else 0
    return picture


def number_of(rgb: NDArray[np.uint8]) -> int:
    """The number that a picture carries."""
    height, width, _ = rgb.shape
    block = width // BITS
    row = rgb[height // 2 - 2 : height // 2 + 2].mean(axis=(0, 2))
    middles = [row[bit * block + block // 4 : bit * block + 3 * block // 4].mean() for bit in range(BITS)]
    return sum(1 << bit for bit, middle in enumerate(middles) if middle > 128)


def numbers_of(clip: Path) -> list[int]:
    """The numbers of all frames of a clip, by PyAV's own decoder."""
    with av.open(str(clip)) as container:
        return [number_of(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def samples_of(clip: Path) -> NDArray[np.int16]:
    """int16 `(n, channels)` of a clip's sound, by PyAV's own decoder."""
    with av.open(str(clip)) as container:
        audio = container.streams.audio[0]
        channels = audio.codec_context.channels
        return np.concatenate([frame.to_ndarray().reshape(-1, channels) for frame in container.decode(audio)])


def make_video(
    path: Path,
    *,
    frames: int = 50,
    rate: Fraction | int = 25,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    size_px: tuple[int, int] = SIZE_PX,
    times_ms: Sequence[int] | None = None,
    pictures: Sequence[NDArray[np.uint8]] | None = None,
    pixel_format: str = "yuv420p",
    start_seconds: Fraction | int = 0,
    sound: NDArray[np.int16] | None = None,
    sound_codec: str = "aac",
    sound_hz: int = 48_000,
    sound_start: int = 0,
) -> Path:
    """Write a video of numbered frames (or of `pictures`) with `sound`, int16 `(n, channels)`, if given."""
    rate = Fraction(rate)
    with av.open(str(path), "w", container_options=container_options or {}) as out:
        video = out.add_stream(codec, rate=rate, options=OPTIONS.get(codec, {}) if options is None else options)
        video.width, video.height = size_px
        video.pix_fmt = pixel_format
        video.codec_context.thread_count = 1
        fine = Fraction(1, 1000) if times_ms else 1 / rate / 1000
        video.codec_context.time_base = 1 / rate if path.suffix == ".avi" else fine  # AVI: one tick a frame
        audio: Any = None
        if sound is not None:
            layout = "mono" if sound.shape[1] == 1 else "stereo" if sound.shape[1] == 2 else "5.1"
            audio = out.add_stream(sound_codec, rate=sound_hz, layout=layout)
        for number in range(frames):
            picture = pictures[number] if pictures is not None else numbered(number, size_px)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixel_format)
            at = Fraction(times_ms[number], 1000) if times_ms else number / rate
            frame.time_base = video.codec_context.time_base
            frame.pts = round((at + start_seconds) / frame.time_base)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None and sound is not None:
            _add_sound(out, audio, sound, sound_hz, sound_start)
    return path


def _add_sound(out: Any, audio: Any, sound: NDArray[np.int16], rate_hz: int, start: int) -> None:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.reshape(1, -1)), "s16", audio.layout.name)
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
    to_format = av.AudioResampler(audio.format.name, audio.layout.name, rate_hz, frame_size=audio.frame_size or 1024)
    for part in (*to_format.resample(frame), *to_format.resample(None)):
        out.mux(audio.encode(part))
    out.mux(audio.encode(None))


def remux(source: Path, destination: Path, *before: str, after: Sequence[str] = ()) -> Path:
    """Copy the streams with the packaged ffmpeg, with options before the input and after it."""
    command = [ffmpeg_path(), "-v", "error", "-y", *before, "-i", source, "-c", "copy", *after, destination]
    subprocess.run(command, check=True)
    return destination


def noise(seconds: float, *, rate_hz: int = 48_000, channels: int = 1, seed: int = 0) -> NDArray[np.int16]:
    """int16 `(n, channels)`: smooth noise at a third of full scale; no stretch of it is like another."""
    raw = np.random.default_rng(seed).standard_normal((round(seconds * rate_hz) + 64, channels))
    smooth = np.stack([np.convolve(raw[:, k], np.hanning(33), "valid") for k in range(channels)], axis=1)
    smooth = smooth[: round(seconds * rate_hz)]
    return np.rint(smooth / np.abs(smooth).max() * 11_000).astype(np.int16)
