"""Frozen pictures: stretches in which nothing changes, as ffmpeg's freezedetect tells them."""

from typing import Any

import numpy as np

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Table, layer
from hour_lake.layers._runs import runs


@layer(
    reads="motion",
    group="frames",
    columns={"is_frozen": "bool"},
    facts={
        "frozen_share": "avg(is_frozen::INTEGER)",
        "frozen_seconds": f"count(*) FILTER (is_frozen) / {FRAME_RATE}.0",
        "freezes": "count_starts(is_frozen)",
    },
)
def freeze(motion: Table, *, change_below: float = 0.001, shortest_seconds: float = 0.5) -> dict[str, Any]:
    """Frozen: the mean change of luma stays under `change_below` of full scale (-60 dB, freezedetect's default).

    Shorter stretches than `shortest_seconds` are not counted: freezedetect waits 2 s, which is long for a segment.
    """
    still = motion["difference"] < change_below * 255
    is_frozen = np.zeros(len(still), bool)
    for start, stop in runs(still):
        first = start - 1  # the picture that the others repeat
        if (stop - first) / FRAME_RATE >= shortest_seconds:
            is_frozen[first:stop] = True
    return {"is_frozen": is_frozen}
