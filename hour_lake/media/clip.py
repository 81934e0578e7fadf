"""Writes a clip: H.264 at constant 25 fps and, if there is sound, 48 kHz FLAC; an mp4 whose bytes are reproducible.

x264: `veryfast` and CRF 18 cost 6.5 ms a 720p frame on one core at 45 dB; `faster` costs twice that for 1 dB, and
`superfast` saves a tenth for twice the bytes. No B-frames: then packet n is frame n in every player and decoder, and no
edit list is needed. A key frame each second, so that a random frame costs at most 25 decodes. FLAC keeps the samples
bit by bit, and unlike AAC has no priming, so their number is exact.
"""

from collections.abc import Generator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hour_lake.identity import FRAME_RATE
from hour_lake.media.listen import MASTER_HZ
from hour_lake.media.picture import Look

X264 = {"preset": "veryfast", "crf": "18", "x264-params": f"bframes=0:keyint={FRAME_RATE}:threads=1:stitchable=1"}
# `+faststart`: the index first, so that a browser can start at once. Unlimited interleaving: sound is added as a whole.
MP4 = {"movflags": "+faststart", "fflags": "+bitexact", "max_interleave_delta": "0"}
BT709_TAG = 1
SOUND_FRAME = 4096  # samples given to the encoder at once


class Clip:
    """An open clip. `add` the pictures in order, after the sound, if any; `frames` counts them."""

    def __init__(self, container: OutputContainer, look: Look, sound: NDArray[np.int16] | None) -> None:
        self._container = container
        self._video: VideoStream = container.add_stream("libx264", rate=FRAME_RATE, options=X264)
        self._audio: AudioStream | None = None
        self.frames = 0
        _describe(self._video, look)
        if sound is not None:
            layout = "mono" if sound.shape[1] == 1 else "stereo"
            self._audio = container.add_stream("flac", rate=MASTER_HZ, layout=layout, options={"flags": "+bitexact"})
            self._audio.format = "s16"
            self._add_sound(self._audio, sound, layout)

    def add(self, picture: VideoFrame) -> None:
        """Encode the next frame, a yuv420p picture."""
        picture.pts, picture.time_base = self.frames, Fraction(1, FRAME_RATE)
        picture.pict_type = 0  # else x264 would repeat the source's choice of key frames
        self.frames += 1
        self._container.mux(self._video.encode(picture))

    def _add_sound(self, audio: AudioStream, sound: NDArray[np.int16], layout: str) -> None:
        for at in range(0, len(sound), SOUND_FRAME):
            frame = AudioFrame.from_ndarray(sound[at : at + SOUND_FRAME].reshape(1, -1), "s16", layout)
            frame.sample_rate, frame.pts, frame.time_base = MASTER_HZ, at, Fraction(1, MASTER_HZ)
            self._container.mux(audio.encode(frame))
        self._container.mux(audio.encode(None))

    def finish(self) -> None:
        """Flush the encoder."""
        self._container.mux(self._video.encode(None))


@contextmanager
def write_clip(destination: Path, look: Look, sound: NDArray[np.int16] | None) -> Generator[Clip]:
    """`with write_clip(path, look, sound) as clip: clip.add(picture)`; nothing is left behind by a failure.

    `sound`: int16 `(samples, channels)` at 48 kHz, or None.
    """
    try:
        with av.open(str(destination), "w", format="mp4", container_options=MP4) as container:
            clip = Clip(container, look, sound)
            yield clip
            clip.finish()
    except BaseException:
        destination.unlink(missing_ok=True)
        raise


def _describe(video: VideoStream, look: Look) -> None:
    context = video.codec_context
    context.thread_count = 1  # more threads change the bytes, and other segments use the other cores
    context.width, context.height = look.upright_px
    context.pix_fmt, context.color_range, context.colorspace = "yuv420p", 1, look.colorspace
    context.color_primaries = context.color_trc = look.colorspace if look.colorspace == BT709_TAG else 6
    context.framerate = Fraction(FRAME_RATE)
