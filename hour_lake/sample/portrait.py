"""The two portraits of the sample corpus: people cut out of public-domain photographs, and where the face is."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PORTRAITS = Path(__file__).parent / "portraits"
CHIN, NOSE_BASE = 152, 2  # points of the mesh
# How far each head is turned in its photograph already: mean of two estimates, PnP on six points and the mesh's depth.
OWN_YAW_DEGREES = {"collins": -0.7, "hopper": 1.8}


@dataclass(frozen=True, eq=False)
class Portrait:
    """One person; all positions in pixels of the photograph.

    `picture`: float32 `(height, width, 3)` RGB in 0..1, the person's colours also where the person is half transparent.
    `alpha`: float32 `(height, width)`, 1 inside the person. `mesh`: float32 `(468, 3)`, FaceMesh's points; z grows away
    from the camera. `lids`: float32 `(2, 16, 2)`, eye contours of the Iris model: points 0-8 along the lower lid from
    corner to corner, 9-15 along the upper lid between them.
    """

    name: str
    picture: NDArray[np.float32]
    alpha: NDArray[np.float32]
    mesh: NDArray[np.float32]
    lids: NDArray[np.float32]

    @property
    def yaw_degrees(self) -> float:
        """How far the head is turned in the photograph; positive has the nose to the right of the middle."""
        return OWN_YAW_DEGREES[self.name]

    @property
    def face_centre(self) -> NDArray[np.float32]:
        """Middle of the mesh's bounding box, `(2,)`."""
        return (self.mesh[:, :2].min(0) + self.mesh[:, :2].max(0)) / 2

    @property
    def face_height_px(self) -> float:
        """From the top of the forehead to the chin."""
        return float(np.ptp(self.mesh[:, 1]))


@cache
def portrait(name: str) -> Portrait:
    """`collins` (Eileen Collins; NASA) or `hopper` (Grace Hopper; US Navy)."""
    picture = cv2.imread(str(PORTRAITS / f"{name}.jpg"), cv2.IMREAD_COLOR_RGB)
    alpha = cv2.imread(str(PORTRAITS / f"{name}_alpha.png"), cv2.IMREAD_GRAYSCALE)
    if picture is None or alpha is None:
        raise FileNotFoundError(PORTRAITS / f"{name}.jpg")
    return Portrait(
        name,
        np.asarray(picture / 255, np.float32),
        np.asarray(alpha / 255, np.float32),
        np.load(PORTRAITS / f"{name}_mesh.npy", allow_pickle=False),
        np.load(PORTRAITS / f"{name}_lids.npy", allow_pickle=False),
    )
