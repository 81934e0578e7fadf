"""The sound of one segment out of a raw video: 48 kHz, exact to the sample on the video's own time axis.

A window a little wider than the segment is decoded and resampled; its bounds lie on the grid of 40 ms, where every
usual rate has a whole sample, so that two segments side by side join without a seam.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from hour_lake.identity import Segment
from hour_lake.media.resample import resampled, to_int16
from hour_lake.media.seek import sound_from
from hour_lake.media.timeline import Timeline

MASTER_HZ = 48_000
MARGIN_MS = 80  # on both sides; the resampler's filter is shorter than 2 ms
# Codecs overlap their frames and keep bits over from earlier ones: MP3's reservoir reaches back 9 frames, 0.24 s.
PREROLL_SECONDS = Fraction(1, 2)


def segment_sound(
    container: InputContainer, audio: AudioStream, segment: Segment, *, origin: Fraction, where: str
) -> NDArray[np.int16]:
    """int16 `(segment.samples(48000), channels)`, mono or stereo; silence where the source has none.

    `origin`: when the first video frame is presented, in seconds.
    """
    rate, channels = audio.codec_context.sample_rate, min(2, audio.codec_context.channels)
    start, stop = ((ms * rate) // 1000 for ms in (segment.start_ms - MARGIN_MS, segment.stop_ms + MARGIN_MS))
    timeline = Timeline(
        origin=origin, rate_hz=rate, channels=channels, start=start, sample_limit=2**62, where=where
    )  # fmt: skip
    frames = _placed(container, audio, timeline, origin + Fraction(segment.start_ms - MARGIN_MS, 1000), where)
    window = np.zeros((stop - start, channels), np.float32)
    for frame, index in frames:
        at = timeline.next - start
        for run in timeline.add(frame, index=index, until=stop):
            window[at : at + len(run)] = run
            at += len(run)
        if timeline.next >= stop:
            break
    margin = MARGIN_MS * MASTER_HZ // 1000
    wide = resampled(window, rate_hz=rate, to_hz=MASTER_HZ)
    return to_int16(wide[margin : margin + segment.samples(MASTER_HZ)])


def _placed(
    container: InputContainer, audio: AudioStream, timeline: Timeline, at: Fraction, where: str
) -> Iterator[tuple[AudioFrame, int | None]]:
    """Frames from before `at` on; the first with its exact place, which the container's own times may round.

    Matroska rounds to 1 ms, 48 samples. Frames of one codec are equally long, so counting them from the first frame of
    the file says exactly where a later one begins, as if everything had been decoded.
    """
    origin_frame = next(sound_from(container, audio, None, where), None)
    if origin_frame is None:
        return
    begin = audio.start_time or 0
    is_near = at - PREROLL_SECONDS <= begin * (audio.time_base or 0)
    frames = sound_from(container, audio, None if is_near else at - PREROLL_SECONDS, where)
    for count, frame in enumerate(frames):
        yield frame, None if count or is_near else _exact(frame, origin_frame, timeline)


def _exact(frame: AudioFrame, first: AudioFrame, timeline: Timeline) -> int:
    index = timeline.index_of(frame)
    tick = (frame.time_base or Fraction(0)) * frame.sample_rate
    second = timeline.index_of(first) + first.samples
    counted = second + round((index - second) / frame.samples) * frame.samples
    return counted if abs(counted - index) <= tick + 1 else index
