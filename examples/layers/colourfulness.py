"""Colourfulness of the picture (Hasler and Suesstrunk 2003)."""

import numpy as np

from hour_lake.layers import Frames, layer


@layer(reads="frames", columns={"colourfulness": "float32"}, facts={"mean": "avg(colourfulness)"})
def colourfulness(frames: Frames, *, step: int = 4):
    small = frames.pixels[:, ::step, ::step].astype(np.float32)
    rg, yb = small[..., 0] - small[..., 1], (small[..., 0] + small[..., 1]) / 2 - small[..., 2]
    spread = np.hypot(rg.std((1, 2)), yb.std((1, 2)))
    return {"colourfulness": spread + 0.3 * np.hypot(rg.mean((1, 2)), yb.mean((1, 2)))}
