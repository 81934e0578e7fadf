"""The one way to open a media file: sniffed, whole, one forced demuxer, no other file or address, limits checked."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from hour_lake.errors import MediaError
from hour_lake.media.sniff import sniff
from hour_lake.media.tracks import AUDIO_CODECS, VIDEO_CODECS, audio_of, check_streams, video_of
from hour_lake.media.whole import check_whole
from hour_lake.settings import Limits

DECODERS = ",".join(name for codecs in (VIDEO_CODECS, AUDIO_CODECS) for names in codecs.values() for name in names)


@contextmanager
def open_media(path: Path, limits: Limits) -> Generator[InputContainer]:
    """An open container whose streams passed all checks; decoders run on one thread, and strictly.

    `with open_media(path, limits) as container: frames = container.decode(video_of(container))`

    Call it in a child process: the bytes are not trusted. Errors: those of `sniff`, `check_whole`, `check_streams`,
    LIMIT_BYTES, and CORRUPT when the header cannot be read.
    """
    container_name = sniff(path)
    size = path.stat().st_size
    if size > limits.max_bytes:
        raise MediaError("LIMIT_BYTES", f"larger than {limits.max_bytes} bytes", value=size, where=str(path))
    check_whole(path, container_name)
    options = {"protocol_whitelist": "file", "format_whitelist": container_name, "codec_whitelist": DECODERS}
    try:
        # `file:` in front, or a name like "concat:a|b" would be taken for a protocol.
        container = av.open(f"file:{path.resolve()}", format=container_name, options=options, metadata_errors="replace")
    except FFmpegError as error:
        raise MediaError(
            "CORRUPT", "the header cannot be read; 0 frames", value=error.strerror, where=str(path)
        ) from error
    with container:
        check_streams(container, limits, str(path))
        _prepare(container, limits)
        try:
            yield container
        except FFmpegError as error:
            raise MediaError("CORRUPT", "FFmpeg gave up", value=error.strerror, where=str(path)) from error


def _prepare(container: InputContainer, limits: Limits) -> None:
    video, audio = video_of(container), audio_of(container)
    video.codec_context.thread_count = 1  # segments run side by side, so that one decoder needs one core only
    # `explode`: without it a damaged frame is patched up silently. `max_pixels`: the header of the container may lie;
    # the decoder counts lines padded to whole blocks of 64.
    most = limits.max_pixels + 64 * limits.max_side_px
    video.codec_context.options = {"err_detect": "explode", "max_pixels": str(most)}
    if audio is not None:
        audio.codec_context.thread_count = 1
