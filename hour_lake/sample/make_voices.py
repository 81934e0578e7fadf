"""Makes the voice files of the sample corpus with espeak-ng: `python -m hour_lake.sample.make_voices`. Run by hand.

One Ogg Opus file a video holds its sentences one after the other, without the silence around them; `offsets.json` says
at which sample each begins. The files are part of the package, so espeak-ng is not needed to make the corpus.
"""

import io
import json
import subprocess
import tomllib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from hour_lake.sample.voice import RATE_HZ, VOICES

BIT_RATE = 18_000
PEAK = 0.7
SILENCE = 0.02  # of the peak: quieter than this at a sentence's ends is cut away


def main() -> None:
    """Writes `voices/*.ogg` and `voices/offsets.json`."""
    plan = tomllib.loads((VOICES / "sentences.toml").read_text())
    offsets: dict[str, list[int]] = {}
    for video_id, sentences in plan["sentences"].items():
        spoken = [_spoken(text, plan["voices"][video_id.split("-")[0]]) for text in sentences]
        offsets[video_id] = [0, *np.cumsum([len(samples) for samples in spoken]).tolist()]
        _write_opus(VOICES / f"{video_id}.ogg", np.concatenate(spoken))
    (VOICES / "offsets.json").write_text(json.dumps(offsets, indent=1) + "\n")


def _spoken(text: str, voice: dict[str, str | int]) -> NDArray[np.float32]:
    command = ["espeak-ng", "-v", str(voice["name"]), "-s", str(voice["words_per_minute"]),
               "-p", str(voice["pitch"]), "--stdout", text]  # fmt: skip
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    samples, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
    loud = np.flatnonzero(np.abs(samples) > SILENCE * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1] + 1]
    return _resampled(samples * np.float32(PEAK / np.abs(samples).max()), rate_hz)


def _resampled(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    resampler = av.AudioResampler("fltp", "mono", RATE_HZ)
    frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
    frame.rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
    parts = [part.to_ndarray()[0] for part in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts).astype(np.float32)


def _write_opus(path: Path, samples: NDArray[np.float32]) -> None:
    with av.open(str(path), "w", format="ogg", container_options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("libopus", rate=RATE_HZ, layout="mono", bit_rate=BIT_RATE)
        frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
        frame.rate = RATE_HZ
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


if __name__ == "__main__":
    main()
