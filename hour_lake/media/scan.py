"""One full decode of a raw video: proves that it is whole, and says where its cuts and its speech may be."""

from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hour_lake.errors import MediaError
from hour_lake.media.clock import Clock, shown_until
from hour_lake.media.content import ContentMeter
from hour_lake.media.matroska import damaged_clusters
from hour_lake.media.open import open_media
from hour_lake.media.picture import Look, look_of
from hour_lake.media.probe import VideoFacts, facts_of
from hour_lake.media.sniff import sniff
from hour_lake.media.speech import SpeechMeter
from hour_lake.media.tally import Tally
from hour_lake.media.timeline import Timeline
from hour_lake.media.tracks import audio_of, check_decoded, check_size, video_of
from hour_lake.settings import Limits

WAITING_LIMIT = 5_000  # frames of sound, about 100 s, that may come before the first picture


@dataclass(frozen=True)
class Scan:
    """What one decode told.

    `time_ms`: float64 `(frames,)`, when each frame begins, 0 for the first. `content_score`: float32 `(frames,)`, the
    change to the frame before (see `content`). `speech_probability`: float32 `(windows,)`, of 32 ms from time 0; empty
    without sound, shorter than the video when the sound ends early.
    """

    facts: VideoFacts
    time_ms: NDArray[np.float64]
    content_score: NDArray[np.float32]
    speech_probability: NDArray[np.float32]

    @property
    def duration_ms(self) -> float:
        """Until when the last frame is on screen."""
        return self.facts.video_duration_seconds * 1000


def scan(path: Path, limits: Limits) -> Scan:
    """Decode everything once. Memory does not grow with the length, but for 24 bytes a frame.

    Errors: those of `open_media`, NO_FRAMES, CORRUPT (with the count of frames), TRUNCATED, TIMESTAMPS, STREAM_CHANGED,
    LIMIT_*, UNSUPPORTED, AUDIO_PARAMS, AUDIO_NONFINITE. `scan(Path("talk.mp4"), Limits()).facts.frames == 900`
    """
    where = str(path)
    with open_media(path, limits) as container:
        video, audio = video_of(container), audio_of(container)
        tally, picture = Tally(), _Picture(video, limits, where)
        sound = None if audio is None else _Sound(audio, limits, where)
        for frame in tally.decoded(container, [video] if audio is None else [video, audio], where):
            if isinstance(frame, VideoFrame):
                picture.add(frame)
            elif sound is not None:
                sound.add(frame, picture.origin)
        damaged = damaged_clusters(path) if sniff(path) == "matroska" else 0
        end_seconds = max(picture.duration, sound.end if sound else Fraction(0))
        tally.check(
            container, picture_seconds=float(picture.duration), end_seconds=float(end_seconds), damaged_parts=damaged,
            where=where,
        )  # fmt: skip
        picture.check()
        return _result(path, container, picture, sound)


def _result(path: Path, container: InputContainer, picture: "_Picture", sound: "_Sound | None") -> Scan:
    time_ms = np.array(picture.time_ms, np.float64)
    duration = picture.duration
    speech = np.zeros(0, np.float32)
    if sound is not None:
        speech = sound.finish(picture.origin or Fraction(0), float(duration) * 1000)
    facts = facts_of(
        path, container, picture.look, time_ms=time_ms, video_seconds=float(duration),
        audio_seconds=float(sound.duration) if sound and sound.duration else None,
    )  # fmt: skip
    return Scan(facts, time_ms, np.array(picture.content_score, np.float32), speech)


class _Picture:
    """The frames of the picture: one size, times that only grow, within the limits."""

    def __init__(self, video: VideoStream, limits: Limits, where: str) -> None:
        self._video, self._limits, self._where = video, limits, where
        self._clock = Clock(video, where)
        self._look: Look | None = None
        self.origin: Fraction | None = None
        self.duration = Fraction(0)
        self.time_ms, self.content_score = array("d"), array("f")

    @property
    def look(self) -> Look:
        """What the first frame told."""
        if self._look is None:
            raise MediaError("NO_FRAMES", "not one frame can be decoded", value=0, where=self._where)
        return self._look

    def add(self, frame: VideoFrame) -> None:
        """Check and measure the next frame in order of presentation."""
        at = self._clock.seconds(frame)
        if self._look is None or self.origin is None:
            check_size(frame.width, frame.height, self._limits, self._where)
            self._look, self.origin = look_of(frame, self._video.sample_aspect_ratio, self._where), at
            self._content = ContentMeter(*self._look.square_px)
        self._check(frame, at - self.origin)
        self.duration = at - self.origin + shown_until(frame, self._video.average_rate)
        self.time_ms.append(float(at - self.origin) * 1000)
        self.content_score.append(self._content(frame))

    def _check(self, frame: VideoFrame, at: Fraction) -> None:
        if (frame.width, frame.height) != self.look.stored_px:
            raise MediaError("STREAM_CHANGED", "the picture's size changes midway", where=self._where,
                             value=f"{frame.width}x{frame.height} at {float(at):.2f} s")  # fmt: skip
        if frame.interlaced_frame:
            look_of(frame, None, self._where)
        if self.time_ms and float(at) * 1000 < self.time_ms[-1]:
            raise MediaError("TIMESTAMPS", "the picture's times jump back", value=f"to {float(at):.3f} s",
                             where=self._where, fix="remux or re-encode it")  # fmt: skip
        if at > self._limits.max_seconds:
            raise MediaError("LIMIT_DURATION", f"longer than {self._limits.max_seconds:g} s", value=f"{float(at):g} s",
                             where=self._where, fix="split it")  # fmt: skip
        check_decoded((len(self.time_ms) + 1) * frame.width * frame.height, self._limits, self._where)

    def check(self) -> None:
        """LIMIT_FPS, by what was measured."""
        rate = len(self.time_ms) / float(self.duration) if self.duration else float("inf")
        if rate > self._limits.max_frame_rate and len(self.time_ms) > 1:
            raise MediaError("LIMIT_FPS", f"over {self._limits.max_frame_rate:g} frames a second", value=f"{rate:g}",
                             where=self._where)  # fmt: skip


class _Sound:
    """The frames of the sound; those that come before the first picture wait for it, for it is time 0."""

    def __init__(self, audio: AudioStream, limits: Limits, where: str) -> None:
        self._rate, self._channels = audio.codec_context.sample_rate, audio.codec_context.channels
        self._limits, self._where = limits, where
        self._waiting: list[AudioFrame] = []
        self._timeline: Timeline | None = None
        self._meter = SpeechMeter(self._rate)
        self._first: Fraction | None = None
        self._last = Fraction(0)

    @property
    def duration(self) -> Fraction:
        """Length of the sound itself, from its first sample to its last, in seconds."""
        return Fraction(0) if self._first is None else self._last - self._first

    @property
    def end(self) -> Fraction:
        """Where it ends on the video's axis, in seconds."""
        return Fraction(0) if self._timeline is None else Fraction(self._timeline.next, self._rate)

    def add(self, frame: AudioFrame, origin: Fraction | None) -> None:
        """Take the next frame."""
        if frame.pts is not None and frame.time_base is not None:
            at = frame.pts * frame.time_base
            self._first = at if self._first is None else self._first
            self._last = at + Fraction(frame.samples, frame.sample_rate)
        self._waiting.append(frame)
        if len(self._waiting) > WAITING_LIMIT:
            raise MediaError(
                "TIMESTAMPS", "minutes of sound before the first picture", where=self._where, fix="remux it"
            )
        if origin is not None:
            self._measure(origin)

    def _measure(self, origin: Fraction) -> None:
        if self._timeline is None:
            self._timeline = Timeline(
                origin=origin, rate_hz=self._rate, channels=self._channels, start=0,
                sample_limit=int(self._limits.max_seconds * self._rate), where=self._where,
            )  # fmt: skip
        for frame in self._waiting:
            for run in self._timeline.add(frame):
                self._meter.add(run)
        self._waiting.clear()

    def finish(self, origin: Fraction, duration_ms: float) -> NDArray[np.float32]:
        """Probabilities of speech, float32 `(windows,)`."""
        self._measure(origin)
        return self._meter.finish(duration_ms)
