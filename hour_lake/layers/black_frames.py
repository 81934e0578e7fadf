"""Black frames, as ffmpeg's blackdetect tells them: nearly all of the picture is nearly black."""

from typing import Any

import numpy as np

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Frames, layer


@layer(
    reads="frames",
    columns={"black_share": "float32", "is_black": "bool"},
    facts={
        "is_black_share": "avg(is_black::INTEGER)",
        "black_seconds": f"count(*) FILTER (is_black) / {FRAME_RATE}.0",
        "stretches": "count_starts(is_black)",
    },
)
def black_frames(frames: Frames, *, black_up_to: float = 0.10, share_from: float = 0.98) -> dict[str, Any]:
    """`black_share`: of pixels up to `black_up_to` of full luma. Black from `share_from` on: blackdetect's defaults."""
    share = np.mean(frames.gray(width=320) <= black_up_to * 255, axis=(1, 2))
    return {"black_share": share, "is_black": share >= share_from}
