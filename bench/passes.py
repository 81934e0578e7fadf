"""What decoding once buys: every layer that looks at frames in one pass, against its own arithmetic plus one decode.

A layer's own arithmetic takes in the pictures it asks for, when no other has asked before, and the clip it gives.
"""

import os
from pathlib import Path

from bench.measure import Measure, timed
from hour_lake.identity import Segment
from hour_lake.media.cut import cut
from hour_lake.media.decode import decode_frames
from hour_lake.passes.declare import Layer
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.plan import passes_of
from hour_lake.passes.registry import load_layers
from hour_lake.passes.run import run_pass
from hour_lake.settings import Limits

SEVEN = ("face_boxes", "face_landmarks", "luminance", "sharpness", "motion", "blink", "mouth")
SEGMENT = Segment("collins-two-cameras", 0, 8000)
MOST_SHOWN = 8


def measure(corpus: Path, weights: Path, scratch: Path) -> list[Measure]:
    os.environ["HOUR_LAKE_MODELS"] = str(weights)
    clip = scratch / "clip.mp4"
    cut(corpus / "collins-two-cameras.mp4", SEGMENT, clip, Limits())
    return [*_all_of_the_pass(clip), *_seven(clip)]


def _all_of_the_pass(clip: Path) -> list[Measure]:
    frames = next(each for each in passes_of(load_layers().chosen()) if each.name == "frames")
    _run(list(frames.layers), clip)  # models are loaded, the file is in memory
    with timed() as decode:
        sum(len(batch) for batch in decode_frames(clip))
    wall, seconds = _run(list(frames.layers), clip)
    bare = decode.seconds + sum(seconds.values())
    most = sorted(seconds, key=lambda name: -seconds[name])[:MOST_SHOWN]
    shown = ", ".join(f"{name} {seconds[name]:.2f}" for name in most)
    return [
        Measure(f"{len(frames.layers)} frame layers / (their own arithmetic + one decode)", wall / bare, "x",
                f"{wall:.2f} s over {bare:.2f} s, of which decode {decode.seconds:.2f}, {shown} s", 1.1),
    ]  # fmt: skip


def _seven(clip: Path) -> list[Measure]:
    together = _seconds(clip, SEVEN)
    alone = {name: _seconds(clip, (name,)) for name in SEVEN}
    costly = max(alone, key=lambda name: alone[name])
    shown = ", ".join(f"{name} {seconds:.2f}" for name, seconds in alone.items())
    return [
        Measure("7 frame layers together / the most expensive alone", together / alone[costly], "x",
                f"{together:.2f} s; {costly} with what it reads {alone[costly]:.2f} s"),
        Measure("7 frame layers one by one / together", sum(alone.values()) / together, "x",
                f"with what each reads: {shown} s"),
        Measure("7 frame layers together, a frame", together / SEGMENT.frames * 1000, "ms", "720p, one thread"),
    ]  # fmt: skip


def _seconds(clip: Path, names: tuple[str, ...]) -> float:
    """Layers and what they read, as a run of these alone would make them."""
    return _run(load_layers().with_reads(names), clip)[0]


def _run(layers: list[Layer], clip: Path) -> tuple[float, dict[str, float]]:
    """Seconds of the pass, and of each layer within it."""
    with timed() as watch:
        found = run_pass(layers, SegmentMedia(SEGMENT.id, clip), {}, {})
    return watch.seconds, {name: each.seconds for name, each in found.items() if isinstance(each, Outcome)}
