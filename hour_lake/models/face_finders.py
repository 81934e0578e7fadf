"""The ways to find faces in a picture, by the name of their provider."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hour_lake.models import blazeface, scrfd
from hour_lake.models.blazeface import Face


class FindFaces(Protocol):
    """The faces of an RGB picture `(height, width, 3)`, best score first, in px of that picture."""

    def __call__(self, picture: NDArray[np.uint8], *, min_score: float, asked_by: str) -> list[Face]:
        """With a score of at least `min_score`; `asked_by` is named when the weights are refused."""
        ...


class Finder(NamedTuple):
    """A function, and the width in px of the picture that it should be given."""

    find: FindFaces
    width: int


FINDERS: Mapping[str, Finder] = {
    "mediapipe": Finder(blazeface.find_faces, 320),
    "insightface": Finder(scrfd.find_faces, 640),
}
