"""Whether there is exactly one face throughout, as one score a segment."""

from typing import Any

import numpy as np

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Table, layer
from hour_lake.layers._runs import runs


@layer(
    reads="face_boxes",
    rows="segment",
    group="face",
    columns={
        "consistency_score": "float32",
        "odd_frames": "int32",
        "longest_odd_seconds": "float32",
        "faces_mean": "float32",
        "faces_max": "int16",
    },
    facts={
        name: f"first({name})"
        for name in ("consistency_score", "odd_frames", "longest_odd_seconds", "faces_mean", "faces_max")
    },
)
def face_count(face_boxes: Table, *, points_a_frame: float = 20.0) -> dict[str, Any]:
    """An odd frame has no face or several. `consistency_score`: 100 less `points_a_frame` for each (TalkVid), not
    under 0. `longest_odd_seconds` tells a detector that blinked (one frame) from a second person (seconds).
    """
    odd = face_boxes["face_count"] != 1
    return {
        "consistency_score": max(0.0, 100 - points_a_frame * np.count_nonzero(odd)),
        "odd_frames": np.count_nonzero(odd),
        "longest_odd_seconds": max((stop - start for start, stop in runs(odd)), default=0) / FRAME_RATE,
        "faces_mean": face_boxes["face_count"].mean(),
        "faces_max": face_boxes["face_count"].max(),
    }
