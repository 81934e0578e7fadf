"""A made-up corpus of any number of entries: its paths, what is said of each, and which of them change."""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence

LAYERS = ("face_boxes", "face_landmarks", "blink", "mouth", "head_pose", "luminance", "sharpness", "motion", "loudness",
          "mel")  # fmt: skip
SEGMENTS_PER_VIDEO = 40
CHANGES = 500


def paths(entries: int) -> Iterator[str]:
    """Paths as a corpus has them: by layer, video and segment."""
    for layer in LAYERS:
        for number in range(entries // len(LAYERS)):
            video, start_ms = f"video-{number // SEGMENTS_PER_VIDEO:06d}", number % SEGMENTS_PER_VIDEO * 6000
            yield f"layers/{layer}/{video}/{video}_{start_ms:08d}_{start_ms + 6000:08d}.parquet"


def changing(known: Sequence[str]) -> dict[str, Sequence[str]]:
    """500 paths all over the lake, and 500 that lie side by side."""
    chosen = random.Random(1)
    start = chosen.randrange(len(known) - CHANGES)
    return {"scattered": sorted(chosen.sample(known, CHANGES)), "neighbouring": known[start : start + CHANGES]}


def metadata(path: str, salt: int) -> dict[str, str]:
    """About 450 bytes as the ledger writes them: a fingerprint, and the digests it was made from."""
    layer = path.split("/")[1]
    parts = {f"source:{layer}": digest(layer)[:16], "config:closed_below": "0.2", "config:bands": "[1, 2, 3]",
             "model:face": digest("face")[:16], "model:iris": digest("iris")[:16], "input:segments": digest(path),
             "input:face_boxes": digest(path, salt)}  # fmt: skip
    return {"fingerprint": digest(path, salt, "all"), "parts": json.dumps(parts, sort_keys=True)}


def digest(*what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()
