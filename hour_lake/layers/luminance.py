"""Light: mean brightness and contrast of each frame, and how much of it is black or burnt out."""

from typing import Any

import cv2
import numpy as np

from hour_lake.layers import Frames, layer


@layer(
    reads="frames",
    columns={"luma": "float32", "contrast": "float32", "dark_share": "float32", "bright_share": "float32"},
    facts={
        "mean": "avg(luma)",
        "min": "min(luma)",
        "max": "max(luma)",
        "range": "max(luma) - min(luma)",
        "flicker": "stddev_pop(luma)",
        "contrast_mean": "avg(contrast)",
        "dark_share_mean": "avg(dark_share)",
        "bright_share_mean": "avg(bright_share)",
    },
)
def luminance(frames: Frames, *, dark_below: int = 16, bright_above: int = 239) -> dict[str, Any]:
    """`luma` is 0..255 (BT.601), `contrast` its standard deviation over the frame, the shares are 0..1."""
    # 256 counts a frame tell all four, for less than looking at the pixels four times.
    counts = np.array([cv2.calcHist([one], [0], None, [256], [0, 256]).ravel() for one in frames.gray(width=320)])
    shares, levels = counts / counts.sum(axis=1, keepdims=True), np.arange(256)
    luma = shares @ levels
    return {
        "luma": luma,
        "contrast": np.sqrt(np.maximum(shares @ levels**2 - luma**2, 0)),
        "dark_share": shares[:, :dark_below].sum(axis=1),
        "bright_share": shares[:, bright_above + 1 :].sum(axis=1),
    }
