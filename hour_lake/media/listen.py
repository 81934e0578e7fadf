"""The sound of one segment out of a raw video: 48 kHz, exact to the sample on the video's own time axis.

A window a little wider than the segment is decoded and resampled; its bounds lie on the grid of 40 ms, where every
usual rate has a whole sample, so that two segments side by side join without a seam.
"""

from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from hour_lake.identity import Segment
from hour_lake.media.resample import resampled, to_int16
from hour_lake.media.seek import Beginning, sound_from
from hour_lake.media.timeline import Timeline

MASTER_HZ = 48_000
MARGIN_MS = 80  # on both sides; the resampler's filter is shorter than 2 ms
# Codecs overlap their frames and keep bits over from earlier ones: MP3's reservoir reaches back 9 frames, 0.24 s.
PREROLL_SECONDS = Fraction(1, 2)


def segment_sound(
    container: InputContainer, audio: AudioStream, segment: Segment, begin: Beginning, where: str
) -> NDArray[np.int16]:
    """int16 `(segment.samples(48000), channels)`, mono or stereo; silence where the source has none."""
    rate, channels = audio.codec_context.sample_rate, min(2, audio.codec_context.channels)
    start, stop = ((ms * rate) // 1000 for ms in (segment.start_ms - MARGIN_MS, segment.stop_ms + MARGIN_MS))
    timeline = Timeline(
        origin=begin.origin, rate_hz=rate, channels=channels, start=start, sample_limit=2**62, where=where
    )
    at = begin.origin + Fraction(segment.start_ms - MARGIN_MS, 1000) - PREROLL_SECONDS
    window = np.zeros((stop - start, channels), np.float32)
    for count, frame in enumerate(sound_from(container, audio, at, where)):
        index = None if count or begin.sound is None else exact_index(frame, begin.sound, timeline)
        at = timeline.next - start
        for run in timeline.add(frame, index=index, until=stop):
            window[at : at + len(run)] = run
            at += len(run)
        if timeline.next >= stop:
            break
    margin = MARGIN_MS * MASTER_HZ // 1000
    wide = resampled(window, rate_hz=rate, to_hz=MASTER_HZ)
    return to_int16(wide[margin : margin + segment.samples(MASTER_HZ)])


def exact_index(frame: AudioFrame, first: AudioFrame, timeline: Timeline) -> int:
    """Where a frame begins, as if everything from the first one on had been decoded and counted.

    Matroska rounds times to 1 ms, 48 samples. The frames of a codec are equally long (but for the first, of which a
    part may be skipped), so counting tells. When counting and the frame's own time differ by more, there was a gap: its
    own time it is.
    """
    index = timeline.index_of(frame)
    tick = (frame.time_base or Fraction(0)) * frame.sample_rate
    second = timeline.index_of(first) + first.samples
    counted = second + round((index - second) / frame.samples) * frame.samples
    return counted if abs(counted - index) <= tick + 1 else index
