"""What decoding once buys: the frame layers of the spine together, one by one, and the most expensive alone."""

import os
from pathlib import Path

from bench.measure import Measure, timed
from hour_lake.identity import Segment
from hour_lake.media.cut import cut
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.registry import load_layers
from hour_lake.passes.run import run_pass
from hour_lake.settings import Limits

LAYERS = ("face_boxes", "face_landmarks", "luminance", "sharpness", "motion", "blink", "mouth")
SEGMENT = Segment("collins-two-cameras", 0, 8000)


def measure(corpus: Path, weights: Path, scratch: Path) -> list[Measure]:
    os.environ["HOUR_LAKE_MODELS"] = str(weights)
    clip = scratch / "clip.mp4"
    cut(corpus / "collins-two-cameras.mp4", SEGMENT, clip, Limits())
    _seconds(clip, LAYERS)  # models are loaded, the file is in memory
    together = _seconds(clip, LAYERS)
    alone = {name: _seconds(clip, (name,)) for name in LAYERS}
    costly = max(alone, key=lambda name: alone[name])
    separately = sum(alone.values())
    shown = ", ".join(f"{name} {seconds:.2f}" for name, seconds in alone.items())
    return [
        Measure("7 frame layers together / the most expensive alone", together / alone[costly], "x",
                f"{together:.2f} s; {costly} with what it reads {alone[costly]:.2f} s"),
        Measure("7 frame layers one by one / together", separately / together, "x", f"with what each reads: {shown} s"),
        Measure("7 frame layers together, a frame", together / SEGMENT.frames * 1000, "ms", "720p, one thread"),
    ]  # fmt: skip


def _seconds(clip: Path, names: tuple[str, ...]) -> float:
    """Layers and what they read, as a run of these alone would make them."""
    layers = load_layers().with_reads(names)
    with timed() as watch:
        run_pass(layers, SegmentMedia(SEGMENT.id, clip), {}, {})
    return watch.seconds
