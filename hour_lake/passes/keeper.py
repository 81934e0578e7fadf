"""Reading a file for `try`, keeping on the way what its picture needs: a few small frames and the sound."""

from collections.abc import Iterator
from pathlib import Path

from hour_lake.errors import HourLakeError
from hour_lake.passes.arrays import Frames
from hour_lake.passes.media import Readers, Sound
from hour_lake.passes.picture import Sample

SAMPLES_KEPT = 16
SAMPLE_WIDTH_PX = 640


class Keeper:
    """`readers` for a run, which read with the given ones; afterwards `samples` and `heard(file)` for the picture."""

    def __init__(self, given: Readers) -> None:
        self._given = given
        self.readers = Readers(self._frames, given.samples, given.master)
        self.samples: list[Sample] = []
        self._step = 1

    def heard(self, file: Path) -> Sound | None:
        """The sound, if the file has any."""
        try:
            return self._given.samples(file)
        except HourLakeError:
            return None

    def _frames(self, path: Path) -> Iterator[Frames]:
        self.samples, self._step = [], 1
        for batch in self._given.frames(path):
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
