"""Blinks, from how open the eyes are: the gap between the lids over the eye's width.

People and cameras differ, so an eye is held against itself: open is the median of the seconds around a frame, or what
the segment shows elsewhere when the eyes are shut in most of these seconds. Closed begins where the eyes clearly stand
out below that, also from their own unrest, and lasts until they are nearly open.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Table, layer
from hour_lake.layers._runs import between, running_quantile, runs


@layer(
    reads="face_landmarks",
    columns={"eye_openness": "float32", "is_closed": "bool", "is_blink": "bool"},
    facts={
        "blinks_per_minute": "60 * count_starts(is_blink) / duration_seconds",
        "is_blinking": "bool_or(is_blink)",
        "closed_share": "avg(is_closed::INTEGER)",
        "eye_openness_median": "median(eye_openness)",
    },
)
def blink(
    face_landmarks: Table,
    *,
    closed_below: float = 0.82,
    open_above: float = 0.92,
    shut_below: float = 0.12,
    shortest_seconds: float = 0.08,
    longest_seconds: float = 0.6,
    around_seconds: float = 4.0,
) -> dict[str, Any]:
    """Eyes closed for longer than a blink are closed, not blinking. Without a face: no openness, and neither.

    `closed_below` and `open_above` are shares of the open eye. On the portraits of the sample corpus, which talk and
    blink for 190 ms, shut eyes measure 0.4 to 0.74 of it (the latter behind glasses), open ones stay above 0.88.
    Below `shut_below` of its own width an eye is shut whatever it does elsewhere (as in `gaze`): without glasses shut
    ones measure 0.09 to 0.11 there, open ones 0.2 to 0.28. Eyes cast down for seconds count as closed, too.
    """
    eye_openness = np.mean([openness(face_landmarks[name]) for name in ("right_eye_px", "left_eye_px")], axis=0)
    share = eye_openness / _open(eye_openness, closed_below, around=round(FRAME_RATE * around_seconds))
    steady = share[share >= closed_below]
    unrest = 1.48 * np.median(np.abs(steady - 1)) if len(steady) else 0.0  # a standard deviation
    begins = (share < min(closed_below, 1 - 3 * unrest)) | (eye_openness < shut_below)
    goes_on = (share <= open_above) | (eye_openness <= shut_below * open_above / closed_below)
    is_closed = between(begins, until=~goes_on)
    is_blink = np.zeros(len(share), bool)
    for start, stop in runs(is_closed):
        is_blink[start:stop] = shortest_seconds <= (stop - start) / FRAME_RATE <= longest_seconds
    return {"eye_openness": eye_openness, "is_closed": is_closed, "is_blink": is_blink}


def _open(eye_openness: NDArray[np.float32], closed_below: float, *, around: int) -> NDArray[np.float64]:
    """What is open for each frame: the median around it, unless the widest twentieth of all shows that this is shut."""
    known = eye_openness[np.isfinite(eye_openness)]
    widest = np.quantile(known, 0.95) if len(known) else np.nan
    middle = running_quantile(eye_openness, 0.5, around=around)
    return np.where(middle < closed_below * widest, widest, middle)


def openness(contour_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean gap of seven pairs of lid points over the distance of the corners, `(n,)` from contours `(n, 32)`."""
    points = contour_px.reshape(-1, 16, 2)
    gaps = np.linalg.norm(points[:, 1:8] - points[:, 9:16], axis=2)
    return gaps.mean(axis=1) / np.linalg.norm(points[:, 8] - points[:, 0], axis=1)
