"""Which streams of a container are used, and the checks that come before the first frame is decoded."""

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from hour_lake.errors import MediaError
from hour_lake.settings import Limits

# Canonical codec name -> decoders of it. Long-lived decoders that are fuzzed by many; anything else is attack surface.
VIDEO_CODECS = {
    "h264": ("h264",), "hevc": ("hevc",), "vp8": ("vp8", "libvpx"), "vp9": ("vp9", "libvpx-vp9"),
    "av1": ("libdav1d", "av1"), "mpeg4": ("mpeg4",),
}  # fmt: skip
AUDIO_CODECS = {
    "aac": ("aac",), "mp3": ("mp3float", "mp3"), "opus": ("opus", "libopus"), "vorbis": ("vorbis", "libvorbis"),
    "flac": ("flac",), "alac": ("alac",), "ac3": ("ac3",),
    **{f"pcm_{kind}": (f"pcm_{kind}",) for kind in ("s16le", "s16be", "s24le", "s24be", "s32le", "f32le", "u8")},
}  # fmt: skip
MIN_SIDE_PX = 16
SAMPLE_RATES_HZ = range(8_000, 192_001)
MAX_CHANNELS = 8
NO_RECORDING_SECONDS = 30 * 24 * 3600


def video_of(container: InputContainer) -> VideoStream:
    """The first moving picture; a cover image is none."""
    return next(stream for stream in container.streams.video if not _is_cover(stream))


def audio_of(container: InputContainer) -> AudioStream | None:
    """The sound: the stream marked as default, else the first; None without any."""
    marked = [s for s in container.streams.audio if s.disposition & Disposition.default]
    return next(iter([*marked, *container.streams.audio]), None)


def codec_name(stream: Stream) -> str:
    """The codec's canonical name (`av1`, not `libdav1d`); `none` when it is unknown."""
    return stream.codec.canonical_name if getattr(stream, "codec_context", None) else "none"


def check_streams(container: InputContainer, limits: Limits, where: str) -> None:
    """LIMIT_STREAMS, NO_VIDEO, CODEC_REFUSED, LIMIT_*, UNSUPPORTED_SIZE, TIMESTAMPS or AUDIO_PARAMS."""
    if len(container.streams) > limits.max_streams:
        raise MediaError("LIMIT_STREAMS", f"more than {limits.max_streams} streams", value=len(container.streams),
                         where=where)  # fmt: skip
    if all(_is_cover(stream) for stream in container.streams.video):
        raise MediaError("NO_VIDEO", "the file has no moving picture", where=where, fix="give a video")
    video, audio = video_of(container), audio_of(container)
    _check_codec(video, VIDEO_CODECS, where)
    check_size(video.codec_context.width, video.codec_context.height, limits, where)
    _check_length(container, video, limits, where)
    if audio is not None:
        _check_codec(audio, AUDIO_CODECS, where)
        _check_sound(audio, where)


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _check_codec(stream: Stream, taken: dict[str, tuple[str, ...]], where: str) -> None:
    name = codec_name(stream)
    if name not in taken:
        raise MediaError("CODEC_REFUSED", f"this {stream.type} codec is not taken", value=name, where=where,
                         fix=f"convert it to one of {', '.join(taken)}")  # fmt: skip


def check_size(width_px: int, height_px: int, limits: Limits, where: str) -> None:
    """LIMIT_PIXELS or UNSUPPORTED_SIZE."""
    value = f"{width_px}x{height_px}"
    if max(width_px, height_px) > limits.max_side_px or width_px * height_px > limits.max_pixels:
        raise MediaError("LIMIT_PIXELS", f"a side over {limits.max_side_px} px or over {limits.max_pixels} pixels",
                         value=value, where=where, fix="scale it down")  # fmt: skip
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise MediaError("UNSUPPORTED_SIZE", f"a side under {MIN_SIDE_PX} px", value=value, where=where)


def _check_length(container: InputContainer, video: VideoStream, limits: Limits, where: str) -> None:
    rate = video.average_rate
    if rate is not None and rate > limits.max_frame_rate:
        raise MediaError("LIMIT_FPS", f"over {limits.max_frame_rate:g} frames a second", value=f"{float(rate):g}",
                         where=where)  # fmt: skip
    seconds = (container.duration or 0) / 1_000_000  # 0: a live recording, proved by decoding
    if not 0 <= seconds < NO_RECORDING_SECONDS:
        raise MediaError("TIMESTAMPS", "the declared duration is not one of a recording", value=f"{seconds:g} s",
                         where=where, fix="remux it")  # fmt: skip
    if seconds > limits.max_seconds:
        raise MediaError("LIMIT_DURATION", f"longer than {limits.max_seconds:g} s", value=f"{seconds:g} s",
                         where=where, fix="split it")  # fmt: skip
    pixels = video.frames * video.codec_context.width * video.codec_context.height
    check_decoded(pixels, limits, where)


def check_decoded(pixels: int, limits: Limits, where: str) -> None:
    """LIMIT_DECODED: a small file may hold an endless amount of picture."""
    if pixels > limits.max_decoded_pixels:
        raise MediaError("LIMIT_DECODED", f"over {limits.max_decoded_pixels} pixels in all frames together",
                         value=pixels, where=where, fix="split it or scale it down")  # fmt: skip


def _check_sound(audio: AudioStream, where: str) -> None:
    rate, channels = audio.codec_context.sample_rate, audio.codec_context.channels
    if rate not in SAMPLE_RATES_HZ or not 1 <= channels <= MAX_CHANNELS:
        raise MediaError("AUDIO_PARAMS", f"sound must have 8 to 192 kHz and 1 to {MAX_CHANNELS} channels",
                         value=f"{rate} Hz, {channels} channels", where=where)  # fmt: skip
