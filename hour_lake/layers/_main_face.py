"""The main face in the tables of `face_boxes`: it comes first in every list."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Table

BOX = ("x_px", "y_px", "width_px", "height_px")


def main_box(face_boxes: Table, k: int | np.intp) -> NDArray[Any]:
    """`(4,)` px: left, top, width and height in a row that has a face."""
    return np.array([face_boxes[name][k][0] for name in BOX])


def worth_a_look(
    face_boxes: Table, *, least_inside_share: float, least_side_px: float
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Row and box of each main face that is neither cut off nor tiny."""
    for k in np.flatnonzero(face_boxes["face_count"]):
        box = main_box(face_boxes, k)
        if face_boxes["inside_share"][k] >= least_inside_share and min(box[2:]) >= least_side_px:
            yield int(k), box
