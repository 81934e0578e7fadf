"""Whether a file is a clip as `clip` writes it, whatever its name: then nothing is left to be cut."""

import re
from pathlib import Path

from hour_lake.identity import FRAME_RATE
from hour_lake.media.clip import X264
from hour_lake.media.listen import MASTER_HZ
from hour_lake.media.open import open_media
from hour_lake.media.tracks import audio_of, codec_name, video_of
from hour_lake.settings import Limits

# x264 writes its options into the first frame; `stitchable` is one that hardly anybody else asks for.
OPTIONS = re.compile(rb"x264 - core [^\0]* - options: ([^\0]*)")
OURS = {*X264["x264-params"].split(":"), f"crf={float(X264['crf']):.1f}"}


def is_clip(path: Path, limits: Limits) -> bool:
    """Whether it is at 25 fps, was encoded with the options of a clip, and has no sound but FLAC at 48 kHz.

    Errors: those of `open_media`.
    """
    with open_media(path, limits) as container:
        video, audio = video_of(container), audio_of(container)
        found = OPTIONS.search(bytes(next(container.demux(video))))
        given = set(found[1].decode("ascii", "replace").split()) if found else set[str]()
        is_seen = container.format.name.startswith("mov") and video.average_rate == FRAME_RATE and given >= OURS
        return is_seen and (audio is None or (codec_name(audio), audio.sample_rate) == ("flac", MASTER_HZ))
