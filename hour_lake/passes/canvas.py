"""Drawing on an array: text, curves, bands, heat maps; in px of the page, drawn twice as large for clean edges."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # red, green, blue
PAPER, PANEL, LINE = (17, 19, 24), (26, 29, 37), (52, 57, 70)
TEXT, QUIET = (232, 235, 241), (138, 146, 163)
COLOURS: tuple[Colour, ...] = ((86, 180, 255), (255, 170, 92), (120, 220, 150), (236, 120, 160), (190, 150, 255),
                               (240, 220, 110))  # fmt: skip
SCALE = 2


class Canvas:
    """A dark page; `png()` gives the file."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.full((height * SCALE, width * SCALE, 3), PAPER, np.uint8)
        self._font = cv2.FontFace("sans")

    def png(self) -> bytes:
        """The page at its own size."""
        height, width = self.pixels.shape[:2]
        small = cv2.resize(self.pixels, (width // SCALE, height // SCALE), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".png", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1].tobytes()

    def text(self, words: str, x: int, y: int, *, size: int = 13, colour: Colour = TEXT, bold: bool = False) -> int:
        """Words with their base line at `y`; gives the x after them."""
        at, weight = (x * SCALE, y * SCALE), 600 if bold else 400
        end: Any = cv2.putText(self.pixels, words, at, colour, self._font, size * SCALE, weight)[0]
        return int(end[0]) // SCALE

    def fitted(self, words: str, width: int, *, size: int = 13) -> str:
        """As many of the words' characters as fit."""
        cut = words
        while cut and self._width(cut + "…" * (cut != words), size) > width:
            cut = cut[:-1]
        return cut if cut == words else cut + "…"

    def _width(self, words: str, size: int) -> int:
        box: Any = cv2.getTextSize((0, 0), words, (0, 0), self._font, size * SCALE, 400)
        return box[2] // SCALE

    def text_left_of(self, words: str, x: int, y: int, *, size: int = 11, colour: Colour = QUIET) -> None:
        """Words that end at `x`."""
        self.text(words, x - self._width(words, size), y, size=size, colour=colour)

    def box(self, x: int, y: int, width: int, height: int, *, colour: Colour = PANEL, filled: bool = True) -> None:
        """A rectangle."""
        first, second = (x * SCALE, y * SCALE), ((x + width) * SCALE - 1, (y + height) * SCALE - 1)
        cv2.rectangle(self.pixels, first, second, colour, -1 if filled else 1)

    def image(self, pixels: NDArray[np.uint8], x: int, y: int, width: int, height: int) -> None:
        """An RGB picture, stretched into a box."""
        way = cv2.INTER_AREA if pixels.shape[1] > width * SCALE else cv2.INTER_LINEAR
        sized = cv2.resize(pixels, (width * SCALE, height * SCALE), interpolation=way)
        self.pixels[y * SCALE : (y + height) * SCALE, x * SCALE : (x + width) * SCALE] = sized

    def curve(
        self, at: NDArray[Any], values: NDArray[Any], *, box: tuple[int, int, int, int], colour: Colour,
        limits: tuple[float, float],
    ) -> None:  # fmt: skip
        """Values (higher is up) at places 0..1 of the box's width; a gap where a value is missing."""
        x, y, width, height = (side * SCALE for side in box)
        low, high = limits
        across = x + at * (width - 1)
        up = y + height - 1 - (values - low) / ((high - low) or 1) * (height - 1)
        for run in np.ma.clump_unmasked(np.ma.masked_invalid(up)):
            points = np.stack([across[run], up[run]], axis=1).round().astype(np.int32)
            if len(points) == 1:
                cv2.circle(self.pixels, points[0].tolist(), SCALE, colour, -1, cv2.LINE_AA)
            cv2.polylines(self.pixels, [points], False, colour, SCALE, cv2.LINE_AA)

    def bands(
        self, starts: NDArray[Any], stops: NDArray[Any], *, box: tuple[int, int, int, int], colour: Colour
    ) -> None:
        """Filled from each start to its stop, places 0..1 of the box's width."""
        x, y, width, height = box
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            left, right = x + round(start * width), x + round(stop * width)
            self.box(left, y, max(1, right - left), height, colour=colour)

    def heat(self, values: NDArray[Any], *, box: tuple[int, int, int, int]) -> None:
        """Rows of `values` from left to right, its columns from the bottom up, low dark and high bright."""
        known = values[np.isfinite(values)]
        low, high = (np.percentile(known, (2, 98)) if known.size else (0.0, 1.0))  # fmt: skip
        share = np.nan_to_num(np.clip((values.T[::-1] - low) / ((high - low) or 1), 0, 1))
        picture = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
        self.image(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), *box)
