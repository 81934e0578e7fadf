"""The sound of any local file, for `try`: a video, a wav, an mp3; what the pipeline itself hears is `media.sound`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hour_lake.errors import MediaError

SAMPLES_HZ, MASTER_HZ = 16_000, 48_000


def read_sound(path: Path, *, rate_hz: int, layout: str) -> NDArray[np.float32]:
    """The first audio stream as float32 `(n, channels)` at that rate; `layout` is `mono` or `stereo`. NO_AUDIO."""
    import av
    from av.error import FFmpegError

    # A playlist that calls itself a video must not make FFmpeg open anything else.
    options = {"protocol_whitelist": "file"}
    try:
        with av.open(str(path), options=options) as container:
            if not container.streams.audio:
                raise MediaError("NO_AUDIO", "the file has no sound", where=str(path))
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate_hz)
            parts = [
                part.to_ndarray().T
                for frame in [*container.decode(audio=0), None]
                for part in resampler.resample(frame)
            ]  # fmt: skip
    except FFmpegError as error:
        raise MediaError("NOT_MEDIA", "the file cannot be read", value=str(error), where=str(path)) from error
    if not parts:
        raise MediaError("NO_AUDIO", "the file's sound is empty", where=str(path))
    return np.concatenate(parts).astype(np.float32)
