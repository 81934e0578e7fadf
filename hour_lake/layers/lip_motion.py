"""How much changes around the mouth of every face, more than around its eyes; also of faces without landmarks."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, Table, layer

# Parts of a face's box: left, top, right, bottom.
MOUTH, EYES = (0.25, 0.65, 0.75, 0.97), (0.15, 0.1, 0.85, 0.45)
SIZE = (32, 16)  # px that a part is looked at in


@layer(
    reads=("frames", "face_boxes"),
    group="face",
    columns={"lip_motion": "list<float32>"},  # for each face of the frame, in the order of face_boxes
    facts={"main_mean": "avg(lip_motion[1])", "max": "max(list_max(lip_motion))"},
)
class lip_motion:
    """Remembers the last frame of the batch before."""

    def __init__(self) -> None:
        self.last: NDArray[np.uint8] | None = None

    def __call__(self, frames: Frames, face_boxes: Table) -> dict[str, Any]:
        """Mean change of luma (0..255) since the frame before, in the mouth's part of the box less that in the eyes'.

        What moves the whole head moves both parts; speech moves one. The first frame has zeros.
        """
        grays, scale = frames.gray(width=320), frames.pixels.shape[2]
        rows: list[Any] = []
        sides = [face_boxes[name] for name in ("x_px", "y_px", "width_px", "height_px")]
        for gray, boxes in zip(grays, zip(*sides, strict=True), strict=True):
            small = np.column_stack(list(boxes)) * (gray.shape[1] / scale)
            last = gray if self.last is None else self.last
            rows.append(np.array([_change(gray, last, box, MOUTH) - _change(gray, last, box, EYES) for box in small]))
            self.last = gray
        return {"lip_motion": [row.astype(np.float32) for row in rows]}


def _change(gray: NDArray[np.uint8], last: NDArray[np.uint8], box: Any, part: tuple[float, ...]) -> float:
    x, y, width, height = box
    left, right = (round(float(np.clip(x + width * part[k], 0, gray.shape[1]))) for k in (0, 2))
    top, bottom = (round(float(np.clip(y + height * part[k], 0, gray.shape[0]))) for k in (1, 3))
    if right - left < 4 or bottom - top < 4:
        return 0.0
    now, before = (cv2.resize(one[top:bottom, left:right], SIZE, interpolation=cv2.INTER_AREA) for one in (gray, last))
    return float(cv2.mean(cv2.absdiff(now, before))[0])
