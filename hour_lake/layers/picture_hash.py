"""What a picture looks like in 64 bits, once a second: alike for copies, whatever their size and quality."""

from typing import Any

import cv2
import numpy as np

from hour_lake.layers import Frames, frames, layer

SIDE_PX, KEPT = 32, 8


@layer(reads=frames(width=160, fps=1), columns={"hash": "int64"}, facts={"pictures": "count(DISTINCT hash)"})
def picture_hash(frames: Frames) -> dict[str, Any]:
    """The perceptual hash by the cosine transform, in the manner of Zauner (2010); not bit for bit the library pHash.

    Luma at 32 x 32 px, its cosine transform, the 8 x 8 lowest frequencies; a bit says whether one is above the median
    of the 63 that are not the mean. Copies differ in few of the 64 bits: at most 10 is usual for "the same picture".
    """
    return {"hash": np.array([_hash(picture) for picture in frames.gray(width=160)], np.int64)}


def _hash(luma: Any) -> int:
    small = cv2.resize(luma, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    lowest = np.asarray(cv2.dct(small))[:KEPT, :KEPT].ravel()
    bits = lowest > np.median(lowest[1:])
    bits[0] = False
    return int(np.packbits(bits).view(">i8")[0])
