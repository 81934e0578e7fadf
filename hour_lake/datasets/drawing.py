"""A dark canvas to draw on: text, boxes, pictures, curves; what is drawn is the caller's business."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # red, green, blue
Picture = NDArray[np.uint8]  # (height, width, 3), RGB

NIGHT: Colour = (14, 16, 22)
PANEL: Colour = (24, 27, 36)
LINE: Colour = (44, 49, 63)
FAINT: Colour = (112, 120, 140)
SOFT: Colour = (164, 172, 190)
BRIGHT: Colour = (236, 239, 245)
ACCENTS: Sequence[Colour] = ((86, 204, 190), (250, 176, 84), (150, 140, 255), (245, 120, 150), (120, 190, 255))
SHARPER = 2  # curves are drawn this many times larger and then shrunk


class Canvas:
    """A picture that grows nothing: its size is fixed when it is made."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels: Picture = np.full((height, width, 3), NIGHT, np.uint8)
        self._plain: Any = cv2.FontFace("sans")

    def text(self, at: tuple[int, int], words: str, *, size: int, colour: Colour = SOFT, weight: int = 400) -> int:
        """Words with their baseline's left end at `at`; gives the x where they end."""
        end, _ = cv2.putText(self.pixels, words, at, colour, self._plain, size, weight)
        return int(end[0])

    def width_of(self, words: str, *, size: int, weight: int = 400) -> int:
        """How wide words would be, in px."""
        return int(cv2.getTextSize((10_000, 1_000), words, (0, 0), self._plain, size, weight)[2])

    def fitted(self, words: str, width: int, *, size: int, weight: int = 400) -> str:
        """Words cut to a width, with an ellipsis where something is missing."""
        if self.width_of(words, size=size, weight=weight) <= width:
            return words
        while words and self.width_of(words + "…", size=size, weight=weight) > width:
            words = words[:-1]
        return words.rstrip() + "…"

    def box(self, x: int, y: int, width: int, height: int, colour: Colour, *, radius: int = 10) -> None:
        """A filled box with round corners."""
        mask = np.zeros((height * SHARPER, width * SHARPER), np.uint8)
        r = min(radius * SHARPER, mask.shape[0] // 2, mask.shape[1] // 2)
        cv2.rectangle(mask, (r, 0), (mask.shape[1] - 1 - r, mask.shape[0] - 1), 255, -1)
        cv2.rectangle(mask, (0, r), (mask.shape[1] - 1, mask.shape[0] - 1 - r), 255, -1)
        for corner in ((r, r), (mask.shape[1] - 1 - r, r), (r, mask.shape[0] - 1 - r),
                       (mask.shape[1] - 1 - r, mask.shape[0] - 1 - r)):  # fmt: skip
            cv2.circle(mask, corner, r, 255, -1)
        self._blend(x, y, np.full((height, width, 3), colour, np.uint8), mask)

    def pill(self, x: int, y: int, words: str, colour: Colour, *, size: int = 13) -> int:
        """A small label on a dimmed box of its colour; `y` is the top. Gives the x where it ends."""
        width = self.width_of(words, size=size, weight=600) + 20
        dim = tuple(int(0.25 * c + 0.75 * p) for c, p in zip(colour, PANEL, strict=True))
        self.box(x, y, width, size + 11, (dim[0], dim[1], dim[2]), radius=12)
        self.text((x + 10, y + size + 3), words, size=size, colour=colour, weight=600)
        return x + width

    def picture(self, x: int, y: int, picture: Picture, *, radius: int = 6) -> None:
        """A picture with round corners."""
        height, width = picture.shape[:2]
        frame = Canvas(width, height)
        frame.box(0, 0, width, height, (255, 255, 255), radius=radius)
        mask = np.where(frame.pixels[:, :, 0] > 14, frame.pixels[:, :, 0], 0).astype(np.uint8)
        self._blend(x, y, picture, cv2.resize(mask, None, fx=SHARPER, fy=SHARPER))  # type: ignore[arg-type]

    def wave(self, x: int, y: int, width: int, height: int, peaks: NDArray[np.float32], colour: Colour) -> None:
        """Peaks 0..1, one a column of px, mirrored about the middle."""
        tall = height * SHARPER
        mask = np.zeros((tall, width * SHARPER), np.uint8)
        for column, peak in enumerate(np.repeat(peaks, SHARPER)):
            half = max(SHARPER / 2, float(peak) * tall / 2)
            mask[round(tall / 2 - half) : round(tall / 2 + half), column] = 255
        self._blend(x, y, np.full((height, width, 3), colour, np.uint8), mask)

    def curve(self, x: int, y: int, width: int, height: int, values: NDArray[np.float32], colour: Colour) -> None:
        """Values 0..1 from left to right; where there is none (NaN) the line is broken."""
        mask = np.zeros((height * SHARPER, width * SHARPER), np.uint8)
        places = np.linspace(0, width * SHARPER - 1, max(2, len(values)))
        points = np.stack([places[: len(values)], (1 - np.clip(values, 0, 1)) * (height * SHARPER - 4) + 2], axis=1)
        for start, stop in zip(points[:-1], points[1:], strict=True):
            if np.isfinite([start[1], stop[1]]).all():
                ends = ((round(start[0]), round(start[1])), (round(stop[0]), round(stop[1])))
                cv2.line(mask, *ends, 255, 2 * SHARPER - 1, cv2.LINE_AA)
        self._blend(x, y, np.full((height, width, 3), colour, np.uint8), mask)

    def save(self, path: Path) -> None:
        """As PNG; the same picture is the same bytes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        smallest = [cv2.IMWRITE_PNG_COMPRESSION, 9]  # flat panels shrink to a quarter
        _, data = cv2.imencode(".png", cv2.cvtColor(self.pixels, cv2.COLOR_RGB2BGR), smallest)
        path.write_bytes(data.tobytes())

    def _blend(self, x: int, y: int, picture: Picture, mask: NDArray[np.uint8]) -> None:
        height, width = picture.shape[:2]
        share = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)[:, :, None] / 255
        below = self.pixels[y : y + height, x : x + width]
        below[:] = (share * picture + (1 - share) * below + 0.5).astype(np.uint8)


def fitting(picture: Picture, width: int, height: int) -> Picture:
    """A picture scaled into a box, on a quiet ground where it does not fill it."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    whole = np.full((height, width, 3), LINE, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    whole[top : top + size[1], left : left + size[0]] = small
    return whole
