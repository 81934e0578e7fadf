"""The sound of a clip as files of its own: 16 kHz mono for models, 48 kHz for ears and measurements."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from hour_lake.errors import MediaError
from hour_lake.identity import FRAME_RATE
from hour_lake.media.listen import MASTER_HZ
from hour_lake.media.open import open_media
from hour_lake.media.resample import resampled, to_int16
from hour_lake.media.tracks import audio_of
from hour_lake.settings import Limits

SAMPLES_HZ = 16_000
RATIO = MASTER_HZ // SAMPLES_HZ


@dataclass(frozen=True)
class SoundFacts:
    """What was written: lengths in samples, and whether anything can be heard in it."""

    samples_16k: int
    samples_48k: int
    channels: int
    is_silent: bool


def extract_audio(clip: Path, wav_16k_destination: Path, master_destination: Path) -> SoundFacts:
    """Write a clip's sound as 16-bit PCM at 16 kHz (mono, the mean of the channels) and as 48 kHz FLAC.

    The master is the clip's sound bit by bit; the 16 kHz file has exactly a third of its samples. Silence and clipping
    are for layers to label. Errors: NO_AUDIO; CORRUPT or COUNT_MISMATCH when the sound is not as long as the picture.
    """
    master = _decoded(clip)
    mono = for_models(master, rate_hz=MASTER_HZ)
    if len(mono) * RATIO != len(master):
        raise MediaError("COUNT_MISMATCH", f"{len(master)} samples at 48 kHz give no whole number at 16 kHz",
                         value=len(mono), where=str(clip))  # fmt: skip
    soundfile.write(wav_16k_destination, mono, SAMPLES_HZ, format="WAV", subtype="PCM_16")
    soundfile.write(master_destination, to_int16(master), MASTER_HZ, format="FLAC", subtype="PCM_16")
    return SoundFacts(len(mono), len(master), master.shape[1], not master.any())


def for_models(sound: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.int16]:
    """int16 `(n, 1)` at 16 kHz: the mean of the channels of float32 `(n, channels)`."""
    return to_int16(resampled(sound.mean(axis=1, dtype=np.float32)[:, None], rate_hz=rate_hz, to_hz=SAMPLES_HZ))


def _decoded(clip: Path) -> NDArray[np.float32]:
    with open_media(clip, Limits()) as container:
        audio = audio_of(container)
        if audio is None:
            raise MediaError(
                "NO_AUDIO", "the clip has no sound", where=str(clip), fix="it has none of the sound layers"
            )
        parts = [frame.to_ndarray().reshape(-1, audio.codec_context.channels) for frame in container.decode(audio)]
        frames = container.streams.video[0].frames
    samples = np.concatenate(parts).astype(np.float32) / np.float32(32768)
    if len(samples) != frames * MASTER_HZ // FRAME_RATE:
        raise MediaError("COUNT_MISMATCH", f"{frames} frames need {frames * MASTER_HZ // FRAME_RATE} samples",
                         value=len(samples), where=str(clip), fix="cut the segment again")  # fmt: skip
    return samples


def read_samples(wav: Path) -> tuple[NDArray[np.float32], int]:
    """float32 `(n,)` in -1..1 and the rate, of a mono file."""
    samples, rate_hz = read_master(wav)
    return samples[:, 0], rate_hz


def read_master(path: Path) -> tuple[NDArray[np.float32], int]:
    """float32 `(n, channels)` in -1..1 and the rate."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(samples, np.float32), rate_hz
