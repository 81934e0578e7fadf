"""The sound of any local file as layers get it, for `try`: of a video as if it were one segment, or a sound alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from hour_lake.errors import MediaError
from hour_lake.identity import Segment
from hour_lake.media.listen import MASTER_HZ, segment_sound
from hour_lake.media.open import open_media
from hour_lake.media.resample import resampled, to_int16
from hour_lake.media.seek import beginning
from hour_lake.media.sound import SAMPLES_HZ, for_models
from hour_lake.media.timeline import Timeline
from hour_lake.media.tracks import audio_of, video_of
from hour_lake.passes.media import Sound
from hour_lake.settings import Limits

AT_ONCE_MS = 60_000  # the longest that a segment can be: what is longer is heard as segments side by side are


@dataclass(frozen=True)
class Heard:
    """Sound as the files of a segment hold it: `pcm_16k` int16 `(n, 1)`, `pcm_48k` int16 `(m, channels)`, one or two.

    `samples` and `master` are what layers get.
    """

    pcm_16k: NDArray[np.int16]
    pcm_48k: NDArray[np.int16]

    @property
    def samples(self) -> Sound:
        """float32 `(n,)` in -1..1."""
        return _read(self.pcm_16k)[:, 0], SAMPLES_HZ

    @property
    def master(self) -> Sound:
        """float32 `(m, channels)` in -1..1."""
        return _read(self.pcm_48k), MASTER_HZ


def sound_of_video(path: Path, segment: Segment, limits: Limits) -> Heard:
    """What `cut` and `extract_audio` make of a stretch of a video: on its time axis, silence where there is no sound.

    Errors: those of `open_media`, NO_AUDIO, CORRUPT.
    """
    where = str(path)
    with open_media(path, limits) as container:
        video, audio = video_of(container), audio_of(container)
        if audio is None:
            raise MediaError("NO_AUDIO", "the file has no sound", where=where)
        begin = beginning(container, video, audio, where)
        parts = [segment_sound(container, audio, part, begin, where) for part in _parts(segment)]
    mono = [for_models(_read(part), rate_hz=MASTER_HZ) for part in parts]
    return Heard(np.concatenate(mono), np.concatenate(parts))


def sound_alone(path: Path) -> Heard:
    """The sound of any file that FFmpeg reads, from its first sample on. NOT_MEDIA, NO_AUDIO, AUDIO_PARAMS."""
    where = str(path)
    try:
        # A playlist must not make FFmpeg open an address. `file:`, or "concat:a|b" would be taken for a protocol.
        with av.open(f"file:{path.resolve()}", options={"protocol_whitelist": "file"}) as container:
            audio = audio_of(container)
            if audio is None:
                raise MediaError("NO_AUDIO", "the file has no sound", where=where)
            rate_hz, channels = audio.codec_context.sample_rate, audio.codec_context.channels
            counted = Timeline(
                origin=Fraction(0), rate_hz=rate_hz, channels=channels, start=0, sample_limit=2**62, where=where
            )
            runs = [run for frame in container.decode(audio) for run in counted.add(frame, index=counted.next)]
    except FFmpegError as error:
        raise MediaError("NOT_MEDIA", "the file cannot be read", value=str(error), where=where) from error
    if not runs:
        raise MediaError("NO_AUDIO", "the file's sound is empty", where=where)
    sound = _read(to_int16(np.concatenate(runs)))
    return Heard(for_models(sound, rate_hz=rate_hz), to_int16(resampled(sound, rate_hz=rate_hz, to_hz=MASTER_HZ)))


def _parts(segment: Segment) -> Iterator[Segment]:
    for start_ms in range(segment.start_ms, segment.stop_ms, AT_ONCE_MS):
        yield Segment(segment.video_id, start_ms, min(start_ms + AT_ONCE_MS, segment.stop_ms))


def _read(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    return pcm.astype(np.float32) / np.float32(32768)
