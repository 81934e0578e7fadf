"""Makes the portraits of the sample corpus from the photographs: `python -m hour_lake.sample.make_portraits FOLDER`.

Run by hand only; the files it writes are part of the package. FOLDER holds `astronaut.png` out of scikit-image's wheel
(Eileen Collins; NASA, public domain) and `grace_hopper.jpg` out of Matplotlib's (US Navy, public domain). Each is cut
out by GrabCut, started from outlines drawn by hand; the points of the face are those of BlazeFace, FaceMesh and Iris
(`hour-lake models pull`; HOUR_LAKE_MODELS says where they are).
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.sample.portrait import PORTRAITS

Values = NDArray[np.floating | np.integer]
Outline = tuple[tuple[int, int], ...]
ENLARGED = 4  # for the models: a face of 94 px is small for them
HOLE_PX = 400  # smaller gaps in the person are filled


@dataclass(frozen=True)
class Photograph:
    """Where the person may be, surely is and surely is not: outlines in pixels."""

    file: str
    perhaps: Outline
    surely: tuple[Outline, ...]
    never: tuple[Outline, ...]


PHOTOGRAPHS = {
    "collins": Photograph(
        "astronaut.png",
        ((150, 10), (230, 4), (305, 60), (312, 130), (320, 220), (365, 270), (375, 345), (440, 335), (511, 400),
         (511, 511), (8, 511), (12, 330), (40, 240), (100, 200), (140, 150)),
        (((185, 40), (260, 40), (285, 90), (265, 180), (340, 280), (350, 340), (420, 360), (490, 460), (480, 511),
          (60, 511), (40, 440), (60, 300), (110, 240), (170, 150), (175, 80)),
         ((122, 186), (130, 168), (148, 155), (168, 151), (184, 151), (184, 158), (150, 168), (134, 186))),
        (((166, 127), (181, 133), (184, 146), (176, 147)),
         ((260, 176), (257, 170), (261, 152), (269, 141), (278, 136), (274, 155), (267, 176))),
    ),
    "hopper": Photograph(
        "grace_hopper.jpg",
        ((140, 150), (165, 40), (220, 14), (300, 14), (385, 90), (385, 300), (350, 310), (345, 330), (511, 380),
         (511, 599), (0, 599), (25, 380), (180, 330), (140, 230)),
        (((155, 150), (185, 60), (230, 32), (300, 32), (345, 60), (365, 120), (368, 200), (350, 240), (340, 290),
          (330, 340), (480, 410), (500, 599), (30, 599), (50, 400), (200, 330), (175, 240), (155, 205)),),
        (((140, 186), (150, 190), (153, 200), (151, 225), (140, 225)), ((205, 22), (217, 29), (212, 40), (198, 46)),
         ((299, 26), (345, 56), (354, 76), (346, 68), (325, 49), (300, 37)),
         ((186, 292), (198, 299), (203, 312), (192, 320), (184, 305)), ((331, 303), (346, 298), (346, 316), (332, 318)),
         ((12, 398), (40, 396), (31, 428), (12, 445))),
    ),
}  # fmt: skip


def main(folder: Path) -> None:
    """Writes colours (JPEG), alpha (PNG), mesh and lids (NumPy) of each portrait."""
    for name, photograph in PHOTOGRAPHS.items():
        bgr = _read(folder / photograph.file)
        alpha = _alpha(bgr, photograph)
        colours = _own_colours(np.asarray(bgr / 255, np.float32), alpha)
        mesh, lids = _face(np.ascontiguousarray(bgr[:, :, ::-1]))
        cv2.imwrite(str(PORTRAITS / f"{name}.jpg"), _bytes(colours), [cv2.IMWRITE_JPEG_QUALITY, 92])
        cv2.imwrite(str(PORTRAITS / f"{name}_alpha.png"), _bytes(alpha), [cv2.IMWRITE_PNG_COMPRESSION, 9])
        np.save(PORTRAITS / f"{name}_mesh.npy", mesh)
        np.save(PORTRAITS / f"{name}_lids.npy", lids)


def _read(path: Path) -> NDArray[np.uint8]:
    bgr = cv2.imread(str(path))
    if bgr is None:
        raise FileNotFoundError(path)
    return np.asarray(bgr, np.uint8)


def _alpha(bgr: NDArray[np.uint8], photograph: Photograph) -> NDArray[np.float32]:
    """1 inside the person, 0 outside, float32 `(height, width)`; soft along hair and cloth."""
    marks = np.full(bgr.shape[:2], cv2.GC_BGD, np.uint8)
    for outlines, mark in (((photograph.perhaps,), cv2.GC_PR_FGD), (photograph.surely, cv2.GC_FGD),
                           (photograph.never, cv2.GC_BGD)):  # fmt: skip
        for outline in outlines:
            cv2.fillPoly(marks, [np.array(outline, np.int32)], mark)
    cv2.grabCut(bgr, marks, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 8, cv2.GC_INIT_WITH_MASK)
    whole = _one_piece(((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8))
    soft = cv2.GaussianBlur(whole.astype(np.float32), (0, 0), 1.2)
    guided = _guided(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY) / 255, soft)
    core = cv2.erode(whole, np.ones((9, 9), np.uint8)) > 0
    near = cv2.dilate(whole, np.ones((7, 7), np.uint8)) > 0
    edge = np.where(core, 1, np.where(near, (guided + soft) / 2, 0))
    return np.clip((edge - 0.15) / 0.8, 0, 1).astype(np.float32)


def _one_piece(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest piece of a mask, its small holes filled."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    whole = (labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - whole)
    for hole in range(1, count):
        if stats[hole, cv2.CC_STAT_AREA] < HOLE_PX:
            whole[labels == hole] = 1
    return whole


def _guided(grey: Values, alpha: Values) -> Values:
    """Alpha that follows the picture's own edges (guided filter: He, Sun, Tang 2010)."""
    mean_grey, mean_alpha = cv2.blur(grey, (9, 9)), cv2.blur(alpha, (9, 9))
    slope = (cv2.blur(grey * alpha, (9, 9)) - mean_grey * mean_alpha) / (
        cv2.blur(grey * grey, (9, 9)) - mean_grey * mean_grey + 1e-3
    )
    offset = mean_alpha - slope * mean_grey
    return np.clip(cv2.blur(slope, (9, 9)) * grey + cv2.blur(offset, (9, 9)), 0, 1)


def _own_colours(rgb: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The person's colours without the background's share in half transparent pixels (blur fusion: Forte 2021)."""
    share = alpha[..., None]
    person = cv2.blur(rgb * share, (61, 61)) / (cv2.blur(alpha, (61, 61))[..., None] + 1e-5)
    behind = cv2.blur(rgb * (1 - share), (61, 61)) / (1 - cv2.blur(alpha, (61, 61))[..., None] + 1e-5)
    mixed = share * person + (1 - share) * behind
    return np.clip(person + share * (rgb - mixed), 0, 1).astype(np.float32)


def _face(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mesh `(468, 3)` and eye contours `(2, 16, 2)`, in the photograph's pixels."""
    from hour_lake.models.blazeface import find_faces
    from hour_lake.models.facemesh import find_mesh
    from hour_lake.models.iris import find_eye

    asked_by = "make_portraits"
    face = find_faces(rgb, min_score=0.5, asked_by=asked_by)[0].scaled(ENLARGED)
    size = (ENLARGED * rgb.shape[1], ENLARGED * rgb.shape[0])
    large = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)
    found = find_mesh(large, box=face.box, key_points=face.key_points, asked_by=asked_by)
    eyes = [find_eye(large, mesh=found.points, side=side, asked_by=asked_by).contour for side in ("right", "left")]
    mesh = np.column_stack([found.points, found.depth]) / ENLARGED
    return mesh.astype(np.float32), (np.stack(eyes) / ENLARGED).astype(np.float32)


def _bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(values * 255).astype(np.uint8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
