"""How far the light has drifted since the clip began, in steps of 0..255: a layer that remembers."""

import numpy as np

from hour_lake.layers import Frames, layer


@layer(reads="frames", columns={"drift": "float32"}, facts={"max": "max(abs(drift))"})
class exposure_drift:
    """One object a segment, called with batch after batch; what it keeps on itself, it has in the next one."""

    def __init__(self, *, seconds: float = 0.5) -> None:
        self.first, self.luma = max(1, round(seconds * 25)), []  # a segment has 25 frames a second

    def __call__(self, frames: Frames):
        """Remembers the mean luma of each frame, however many come at once."""
        self.luma += frames.gray(width=160).mean(axis=(1, 2)).tolist()

    def finish(self):
        """Each frame's, less the mean of the first `seconds`: asked for when all have been seen."""
        return {"drift": np.array(self.luma) - np.mean(self.luma[: self.first])}
