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
    _cache: dict[tuple[str, tuple[int, ...]], NDArray[np.uint8]] = field(
        default_factory=dict[tuple[str, tuple[int, ...]], NDArray[np.uint8]], repr=False, compare=False
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
            pixels = Frames(self.pixels[chosen], self.time_seconds[chosen]).small(width=width)
        return Frames(pixels, self.time_seconds[chosen], places=self.frame_index[chosen])

    def small(self, *, width: int) -> NDArray[np.uint8]:
        """RGB, uint8 `(n, height, width, 3)`, area means, scaled down to at most `width` columns; made once."""
        full_height, full_width = self.pixels.shape[1:3]
        if width >= full_width:
            return self.pixels
        # Halved as long as it goes: OpenCV is four times quicker at halves, and other widths begin with the same ones.
        halvings = 0
        while full_width >> halvings >= 2 * width and full_height >> halvings >= 2:
            halvings += 1
        return self._scaled(self._halved(halvings), (width, max(1, round(full_height * width / full_width))))

    def gray(self, *, width: int | None = None) -> NDArray[np.uint8]:
        """Luma (BT.601), uint8 `(n, height, width)`, scaled down to at most `width` columns; made once."""
        pixels = self.small(width=min(width or self.pixels.shape[2], self.pixels.shape[2]))
        return self._made("gray", pixels.shape[:3], lambda k, out: cv2.cvtColor(pixels[k], cv2.COLOR_RGB2GRAY, out))

    def _halved(self, times: int) -> NDArray[np.uint8]:
        if not times:
            return self.pixels
        height, width = self.pixels.shape[1:3]
        return self._scaled(self._halved(times - 1), (width >> times, height >> times))

    def _scaled(self, pixels: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.uint8]:
        width, height = size_px
        if pixels.shape[1:3] == (height, width):
            return pixels
        shape, area = (len(pixels), height, width, 3), cv2.INTER_AREA
        return self._made("small", shape, lambda k, out: cv2.resize(pixels[k], size_px, out, interpolation=area))

    def _made(self, kind: str, shape: tuple[int, ...], make: Callable[[int, Any], object]) -> NDArray[np.uint8]:
        """`make(k, out)` writes the k-th picture into its place."""
        if (kind, shape) not in self._cache:
            made = np.empty(shape, np.uint8)
            for k, out in enumerate(made):
                make(k, out)
            self._cache[kind, shape] = made
        return self._cache[kind, shape]


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
