"""Faces: where they are in each frame, which of them is the presenter, and how much of the picture that one fills.

The main face is the biggest at first, afterwards the one that overlaps the last main face most (the biggest if none).
It comes first in every list, the others follow by size. Boxes are px of the clip and may reach beyond the picture.
A box is about the whole face, also of one that looks aside (`hour_lake/models/blazeface.py` says how).
The provider `insightface` knows no ears: they are NaN, and its mouth is the middle between the corners.
"""

from typing import Any

import numpy as np

from hour_lake.layers import Frames, layer
from hour_lake.models.blazeface import Face
from hour_lake.models.face_finders import FINDERS

LISTS = ("score", "x_px", "y_px", "width_px", "height_px")


@layer(
    reads="frames",
    group="face",
    providers={"mediapipe": ("blazeface",), "insightface": ("insightface_det_10g",)},
    columns={
        "face_count": "int16",
        **dict.fromkeys(LISTS, "list<float32>"),
        # Of the main face: x and y of right eye, left eye (the person's own), nose, mouth, right ear, left ear;
        # its box over the frame; how much of its box lies in the frame.
        "key_points_px": "float32[12]",
        "area_share": "float32",
        "inside_share": "float32",
    },
    facts={
        "face_share": "avg((face_count = 1)::INTEGER)",
        "no_face_share": "avg((face_count = 0)::INTEGER)",
        "max_faces": "max(face_count)",
        "score_mean": "avg(score[1])",
        "width_px_median": "median(width_px[1])",
        "width_px_min": "min(width_px[1])",
        "area_share_mean": "avg(area_share)",
        "inside_share_min": "min(inside_share)",
    },
)
class face_boxes:
    """Remembers where the main face was."""

    def __init__(self, *, min_score: float = 0.5, provider: str = "mediapipe") -> None:
        self.min_score, self.finder = min_score, FINDERS[provider]
        self.last: Face | None = None

    def __call__(self, frames: Frames) -> dict[str, Any]:
        """One row a frame, `face_count` 0 and no boxes where there is no face."""
        small, (height, width) = frames.small(width=self.finder.width), frames.pixels.shape[1:3]
        rows = [self.main_first([face.scaled(width / small.shape[2]) for face in self.faces(one)]) for one in small]
        boxes = [np.array([[face.score, *face.box] for face in row], np.float32).reshape(-1, 5) for row in rows]
        main = np.array([row[0].box if row else [np.nan] * 4 for row in rows], np.float32)
        inside = np.clip(main[:, :2] + main[:, 2:], 0, (width, height)) - np.clip(main[:, :2], 0, (width, height))
        points = [row[0].key_points.ravel() if row else np.full(12, np.nan) for row in rows]
        return {
            "face_count": np.array([len(row) for row in rows], np.int16),
            **{name: [found[:, k] for found in boxes] for k, name in enumerate(LISTS)},
            "key_points_px": np.array(points, np.float32),
            "area_share": main[:, 2] * main[:, 3] / (height * width),
            "inside_share": inside[:, 0] * inside[:, 1] / (main[:, 2] * main[:, 3]),
        }

    def faces(self, picture: Any) -> list[Face]:
        """The faces of one picture."""
        return self.finder.find(picture, min_score=self.min_score, asked_by="face_boxes")

    def main_first(self, faces: list[Face]) -> list[Face]:
        """The main face, then the others by size."""
        by_size, last = sorted(faces, key=lambda face: -face.area), self.last
        if by_size and last is not None:
            nearest = max(range(len(by_size)), key=lambda k: by_size[k].overlap(last))
            by_size.insert(0, by_size.pop(nearest))
        self.last = by_size[0] if by_size else last
        return by_size
