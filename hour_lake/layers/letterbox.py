"""Black bars around the picture, in px on each side, as ffmpeg's cropdetect finds them."""

from typing import Any

import cv2
import numpy as np

from hour_lake.layers import Frames, layer

SIDES = ("top_px", "bottom_px", "left_px", "right_px")


@layer(
    reads="frames",
    columns={**dict.fromkeys(SIDES, "int16"), "picture_share": "float32"},
    facts={
        **{side: f"min({side})" for side in SIDES},  # a bar is what is black in every frame
        "picture_share": "max(picture_share)",
        "has_bars": "min(top_px) > 0 OR min(bottom_px) > 0 OR min(left_px) > 0 OR min(right_px) > 0",
    },
)
def letterbox(frames: Frames, *, black_up_to: int = 24) -> dict[str, Any]:
    """A row or column is part of a bar while its mean luma is at most `black_up_to` (cropdetect's limit).

    `picture_share`: what is left of the frame without its bars. A wholly black frame is all bar from
    each side, so that it takes no bar from the others, and nothing is left of it.
    """
    bars = np.array([_bars(picture, black_up_to) for picture in frames.pixels])
    height, width = frames.pixels.shape[1:3]
    left = np.maximum(height - bars[:, 0] - bars[:, 1], 0) * np.maximum(width - bars[:, 2] - bars[:, 3], 0)
    return {**{side: bars[:, k] for k, side in enumerate(SIDES)}, "picture_share": left / (height * width)}


def _bars(picture: Any, black_up_to: int) -> tuple[int, int, int, int]:
    edges = picture[:1], picture[-1:], picture[:, :1], picture[:, -1:]
    if all(cv2.mean(_gray(edge))[0] > black_up_to for edge in edges):
        return 0, 0, 0, 0  # most pictures, for a fortieth of the work
    gray = _gray(picture)
    rows, columns = (cv2.reduce(gray, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() for axis in (1, 0))
    return *_ends(rows > black_up_to), *_ends(columns > black_up_to)


def _gray(picture: Any) -> Any:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _ends(lit: Any) -> tuple[int, int]:
    """How many are dark before the first lit one, and after the last; all of them where nothing is lit."""
    where = np.flatnonzero(lit)
    return (int(where[0]), int(len(lit) - 1 - where[-1])) if len(where) else (len(lit), len(lit))
