"""Reading any file for `try`, keeping on the way what its picture needs: a few small frames and the sound."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hour_lake.errors import HourLakeError
from hour_lake.passes.arrays import Frames
from hour_lake.passes.media import Readers, Sound
from hour_lake.passes.picture import Sample
from hour_lake.passes.sound_of import MASTER_HZ, SAMPLES_HZ, read_sound

# Frames as in the pipeline; sound of whatever has a sound.
OF_ANY_FILE = Readers(
    lambda path: Readers.of_media().frames(path),
    lambda path: (read_sound(path, rate_hz=SAMPLES_HZ, layout="mono")[:, 0], SAMPLES_HZ),
    lambda path: (read_sound(path, rate_hz=MASTER_HZ, layout="stereo"), MASTER_HZ),
)
SAMPLES_KEPT = 16
SAMPLE_WIDTH_PX = 640


class Keeper:
    """`readers` for a run; afterwards `samples`, `heard(file)` and `duration_seconds` for the picture."""

    def __init__(self, readers: Readers | None) -> None:
        self._given = readers
        self.readers = Readers(self._frames, self._samples, self._master)
        self.samples: list[Sample] = []
        self.frame_times: list[float] = []
        self._sound: Sound | None = None
        self._step = 1

    @property
    def duration_seconds(self) -> float:
        """Of the frames if there were any (the last one lasts as long as the median one), else of the sound."""
        times = np.array(self.frame_times)
        if len(times):
            return float(times[-1] - times[0] + (np.median(np.diff(times)) if len(times) > 1 else 0.04))
        assert self._sound is not None  # a layer reads frames or sound
        values, rate_hz = self._sound
        return len(values) / rate_hz

    def heard(self, file: Path) -> Sound | None:
        """The sound, if the file has any."""
        try:
            return self._sound or self._samples(file)
        except HourLakeError:
            return None

    def _frames(self, path: Path) -> Iterator[Frames]:
        self.samples, self.frame_times, self._step = [], [], 1
        for batch in (self._given or OF_ANY_FILE).frames(path):
            self.frame_times += batch.time_seconds.tolist()
            self._keep(batch)
            yield batch

    def _keep(self, batch: Frames) -> None:
        """Every first, then every second, fourth ... frame: always 8 to 16 of them, evenly over what was seen."""
        for k in range(len(batch)):
            index = batch.first_index + k
            if index % self._step:
                continue
            self.samples.append(Sample.of(batch.pixels[k], index, float(batch.time_seconds[k]), SAMPLE_WIDTH_PX))
            if len(self.samples) > SAMPLES_KEPT:
                self._step *= 2
                self.samples = [sample for sample in self.samples if sample.index % self._step == 0]

    def _samples(self, path: Path) -> Sound:
        sound = (self._given or OF_ANY_FILE).samples(path)
        self._sound = sound
        return sound

    def _master(self, path: Path) -> Sound:
        values, rate_hz = (self._given or OF_ANY_FILE).master(path)
        self._sound = self._sound or (values.mean(axis=1), rate_hz)
        return values, rate_hz
