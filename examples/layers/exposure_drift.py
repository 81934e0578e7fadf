"""How far the light has drifted since the clip began, in steps of 0..255: a layer that remembers."""

from hour_lake.layers import Frames, layer


@layer(reads="frames", columns={"drift": "float32"}, facts={"max": "max(abs(drift))"})
class exposure_drift:
    """One object a segment, called with batch after batch; what it keeps on itself, it has in the next one."""

    def __init__(self, *, seconds: float = 0.5) -> None:
        self.seconds, self.first = seconds, []

    def __call__(self, frames: Frames):
        """Mean luma of each frame, less that of the first `seconds`."""
        luma = frames.gray(width=160).mean(axis=(1, 2))
        self.first += luma[frames.time_seconds < self.seconds].tolist()
        return {"drift": luma - sum(self.first) / len(self.first)}
