"""Moving skin up and down, column by column: what both the lids and the lips are made of.

A column is nailed at a few heights. Each nail has a place in the photograph and a place in the new picture; what lies
between two nails is stretched evenly:

    photograph   brow ---- lid edge -------- lower lid ---- cheek
    new picture  brow --------------- lid edge lower lid -- cheek        (a closing eye)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A rectangle of a frame, all even: `[x, x + width)`, `[y, y + height)`."""

    x: int
    y: int
    width: int
    height: int

    @staticmethod
    def around(left: float, top: float, right: float, bottom: float) -> "Box":
        """The smallest box with even sides that holds the rectangle."""
        x, y = int(left) // 2 * 2, int(top) // 2 * 2
        return Box(x, y, (int(np.ceil(right)) - x + 1) // 2 * 2, (int(np.ceil(bottom)) - y + 1) // 2 * 2)

    @property
    def columns(self) -> Rows:
        """x of each pixel column, float64 `(width,)`."""
        return np.arange(self.x, self.x + self.width, dtype=np.float64)

    @property
    def rows(self) -> Rows:
        """y of each pixel row, float64 `(height,)`."""
        return np.arange(self.y, self.y + self.height, dtype=np.float64)

    def of(self, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        """That part of a picture."""
        return rgb[self.y : self.y + self.height, self.x : self.x + self.width]


def folded(rgb: NDArray[np.float32], box: Box, source: Sequence[Rows], target: Sequence[Rows]) -> NDArray[np.float32]:
    """The box of a picture with the nails moved from `source` to `target`, each a list of heights `(width,)`.

    Targets that would cross are kept in order. Outside the outermost nails nothing moves.
    """
    before = np.stack(source)
    after = np.maximum.accumulate(np.stack(target) + 1e-3 * np.arange(len(target))[:, None], axis=0)
    rows = np.stack([np.interp(box.rows, after[:, k], before[:, k]) for k in range(box.width)], 1)
    outside = (box.rows[:, None] < after[0]) | (box.rows[:, None] > after[-1])
    return sampled(rgb, box, np.where(outside, box.rows[:, None], rows))


def sampled(rgb: NDArray[np.float32], box: Box, rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """The box with each pixel taken from its own column at another height, `rows` `(height, width)`."""
    map_x = np.ascontiguousarray(np.broadcast_to(box.columns.astype(np.float32), rows.shape))
    return np.asarray(cv2.remap(rgb, map_x, rows.astype(np.float32), cv2.INTER_CUBIC), np.float32)


def curve(points: NDArray[np.floating], columns: Rows) -> Rows:
    """Height of the line through `points` `(n, 2)` at each column; level outside it."""
    order = np.argsort(points[:, 0])
    return np.interp(columns, points[order, 0], points[order, 1])


def smooth_step(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """0 up to 0, 1 from 1 on, smooth between."""
    clipped = np.clip(values, 0, 1).astype(np.float64)
    return clipped * clipped * (3 - 2 * clipped)
