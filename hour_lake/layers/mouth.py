"""The mouth: how open it is, and whether the lips move as in speech."""

from typing import Any

import numpy as np

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Table, layer
from hour_lake.layers._runs import running_quantile

# The mesh's inner lips: three pairs above each other, and the corners.
UPPER, LOWER, CORNERS = [82, 13, 312], [87, 14, 317], [78, 308]


@layer(
    reads="face_landmarks",
    columns={"openness": "float32", "movement": "float32", "is_speaking": "bool"},
    facts={
        "openness_mean": "avg(openness)",
        "openness_max": "max(openness)",
        "movement_mean": "avg(movement)",
        "speaking_share": "avg(is_speaking::INTEGER)",
    },
)
def mouth(face_landmarks: Table, *, speaking_above: float = 0.03, around_seconds: float = 0.16) -> dict[str, Any]:
    """`openness`: gap of the inner lips over the mouth's width, about 0 shut, 0.5 wide open.

    `movement`: how far openness ranges within `around_seconds` to each side (a syllable is 0.2 to 0.3 s): a smile that
    shows teeth is open and still, speech moves. Speaking is movement above `speaking_above`; it is seen, not heard.
    """
    points = face_landmarks["points_px"].reshape(-1, 478, 2)
    gap = np.linalg.norm(points[:, UPPER] - points[:, LOWER], axis=2).mean(axis=1)
    openness = gap / np.linalg.norm(points[:, CORNERS[1]] - points[:, CORNERS[0]], axis=1)
    around = round(FRAME_RATE * around_seconds)
    movement = running_quantile(openness, 1, around=around) - running_quantile(openness, 0, around=around)
    movement[np.isnan(openness)] = np.nan
    return {"openness": openness, "movement": movement, "is_speaking": movement > speaking_above}
