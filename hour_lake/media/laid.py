"""The frames of a video on the grid of 25 fps as its clip would show them, but not encoded on the way."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hour_lake.identity import FRAME_MS, FRAME_RATE
from hour_lake.media.clock import on_screen
from hour_lake.media.decode import BATCH_BYTES
from hour_lake.passes.arrays import Frames

Picture = NDArray[np.uint8]


def laid_on_grid(batches: Iterable[Frames], *, frames: int, batch_bytes: int = BATCH_BYTES) -> Iterator[Frames]:
    """Frame n is what the video shows at n * 40 ms (see `clock`), for `frames` frames, about `batch_bytes` at a time.

    `laid_on_grid(decode_frames(path), frames=extent_of(path, limits).frames)`
    """
    shown = on_screen(_spans(batches, until_ms=frames * FRAME_MS), start_ms=0, count=frames)
    waiting: list[Picture] = []
    stop = 0
    for stop, picture in enumerate(shown, start=1):
        waiting.append(picture)
        if len(waiting) * picture.nbytes >= batch_bytes:
            yield _batch(waiting, stop)
            waiting = []
    if waiting:
        yield _batch(waiting, stop)


def _spans(batches: Iterable[Frames], *, until_ms: float) -> Iterator[tuple[float, float, Picture]]:
    for batch in batches:
        for at_seconds, picture in zip(batch.time_seconds, batch.pixels, strict=True):
            yield float(at_seconds) * 1000, until_ms, picture  # the last one stays until the end


def _batch(pictures: Sequence[Picture], stop: int) -> Frames:
    index = np.arange(stop - len(pictures), stop)
    return Frames(np.stack(pictures), index / FRAME_RATE, int(index[0]))
