"""What a layer is handed: a batch of decoded frames, the samples of a segment, or the table of another layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Column name -> array. Scalars: (rows,). Fixed lists `float32[k]`: (rows, k). Lists: (rows,) of arrays.
# A missing float is NaN here and NULL in the lake. With a row a frame: also `frame_index`, `time_seconds`.
Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Frames:
    """A batch of frames of one segment: consecutive ones, or those that a layer asked for.

    `pixels`: uint8 `(n, height, width, 3)`, RGB. `time_seconds`: float64 `(n,)`, from the segment's start.
    `first_index`: the number of the first of them within the segment; `places`: of the others, when some are left out.
    """

    pixels: NDArray[np.uint8]
    time_seconds: NDArray[np.float64]
    first_index: int = 0
    places: NDArray[np.int32] | None = None
    _cache: dict[tuple[str, int], NDArray[np.uint8]] = field(
        default_factory=dict[tuple[str, int], NDArray[np.uint8]], repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[3] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be uint8 (n, height, width, 3), got {self.pixels.dtype} {self.pixels.shape}")
        if self.time_seconds.shape != self.pixels.shape[:1]:
            raise ValueError(f"{len(self.pixels)} frames with {len(self.time_seconds)} times")

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def frame_index(self) -> NDArray[np.int32]:
        """Numbers of the frames within the segment, `(n,)`."""
        if self.places is not None:
            return self.places
        return np.arange(self.first_index, self.first_index + len(self), dtype=np.int32)

    def asked(self, chosen: NDArray[np.intp], *, width: int) -> "Frames":
        """These frames of the batch, at most `width` px wide (0: as they are); the whole batch when it is that."""
        full = self.pixels.shape[2]
        if len(chosen) == len(self) and not 0 < width < full:
            return self
        if not 0 < width < full:
            pixels = self.pixels[chosen]
        elif len(chosen) == len(self):
            pixels = self.small(width=width)
        else:
            pixels = np.stack([_scaled(self.pixels[k], width) for k in chosen])
        return Frames(pixels, self.time_seconds[chosen], places=self.frame_index[chosen])

    def small(self, *, width: int) -> NDArray[np.uint8]:
        """RGB, uint8 `(n, height, width, 3)`, scaled down to at most `width` columns; made once."""
        full_width = self.pixels.shape[2]
        if width >= full_width:
            return self.pixels
        return self._made("small", width, lambda: [_scaled(frame, width) for frame in self.pixels])

    def gray(self, *, width: int | None = None) -> NDArray[np.uint8]:
        """Luma (BT.601), uint8 `(n, height, width)`, scaled down to at most `width` columns; made once."""
        target = min(width or self.pixels.shape[2], self.pixels.shape[2])
        return self._made("gray", target, lambda: [_gray(frame) for frame in self.small(width=target)])

    def _made(self, kind: str, width: int, make: Callable[[], list[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
        if (kind, width) not in self._cache:
            self._cache[kind, width] = np.stack(make())
        return self._cache[kind, width]


def _scaled(frame: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Area means. Halved as long as it goes: OpenCV is four times quicker at halves than at any other step."""
    target = (width, max(1, round(frame.shape[0] * width / frame.shape[1])))
    while frame.shape[1] >= 2 * width and frame.shape[0] >= 2:
        frame = np.asarray(
            cv2.resize(frame, (frame.shape[1] // 2, frame.shape[0] // 2), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.resize(frame, target, interpolation=cv2.INTER_AREA), np.uint8)


def _gray(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


@dataclass(frozen=True)
class Samples:
    """The sound of one segment: float32 in -1..1 at full scale.

    `samples` (16 kHz, mono) has values of shape `(n,)`; `master` (48 kHz) has `(n, channels)`.
    """

    values: NDArray[np.float32]
    rate_hz: int

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return len(self.values) / self.rate_hz
