"""One camera position: who stands where before which wall, painted once and then moved frame by frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.sample.backdrop import Backdrop, painted
from hour_lake.sample.depth import head
from hour_lake.sample.eyes import Shapes, eye_shapes
from hour_lake.sample.mouth import mouth_shapes
from hour_lake.sample.planes import Planes, planes
from hour_lake.sample.portrait import Portrait, portrait
from hour_lake.sample.pose import STEP_PX, Grid, Head, Pose, fetched, moved, settled

BROWS = ([52, 65, 53], [282, 295, 283])  # the lower edge of each brow in the mesh


@dataclass(frozen=True)
class Place:
    """A person in a picture: how tall the face is, as a share of the picture's height, and where its middle is."""

    person: str
    face_height: float
    at: tuple[float, float]


@dataclass(frozen=True)
class Camera:
    """What one camera sees; the first of `places` is the presenter."""

    backdrop: Backdrop
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Look:
    """One person at one instant: `mouth` 0 shut .. 1 wide, `closure` of the eyes 0 open .. 1 shut."""

    mouth: float = 0.0
    closure: float = 0.0
    pose: Pose = field(default_factory=Pose)


@dataclass(frozen=True, eq=False)
class Person:
    """A person as painted into a scene; `points` are the mesh's `(468, 2)` in the picture's pixels."""

    scale: float
    points: NDArray[np.float32]
    head: Head
    mouth: Shapes
    eyes: tuple[Shapes, Shapes]


class Scene:
    """A camera's picture, ready to be shown with any look of its people."""

    def __init__(self, camera: Camera, size: tuple[int, int]) -> None:
        self.size = size
        rgb = painted(camera.backdrop, size)
        matrices = [_matrix(place, size) for place in camera.places]
        for place, matrix in zip(camera.places, matrices, strict=True):
            rgb = _composited(rgb, portrait(place.person), matrix)
        self.people = [_person(portrait(place.person), matrix, rgb, size)
                       for place, matrix in zip(camera.places, matrices, strict=True)]  # fmt: skip
        self._still = planes(rgb)
        self._rows, self._columns = _window(np.any([person.head.moves for person in self.people], axis=0))

    def frame(self, looks: Sequence[Look]) -> Planes:
        """The picture with each person's face and pose set."""
        for person, look in zip(self.people, looks, strict=True):
            for shapes, value in ((person.mouth, look.mouth), *((eye, look.closure) for eye in person.eyes)):
                self._still.paste(shapes.at(value), shapes.box.x, shapes.box.y)
        back = settled(self._displacement(looks))
        corner = (self._columns.start * STEP_PX, self._rows.start * STEP_PX)
        luma = fetched(self._still.luma, back, corner, step_px=STEP_PX)
        chroma = fetched(self._still.chroma, back, (corner[0] // 2, corner[1] // 2), step_px=STEP_PX // 2)
        picture = Planes(self._still.luma.copy(), self._still.chroma.copy())
        picture.paste(Planes(luma, chroma), *corner)
        return picture

    def face_box(self, look: Look) -> tuple[float, float, float, float]:
        """x, y, width and height of the presenter's face: the bounding box of the mesh's points, in pixels."""
        presenter = self.people[0]
        points = moved(presenter.points, presenter.head.displacement(look.pose, presenter.scale))
        x, y = points.min(0)
        right, bottom = points.max(0)
        return float(x), float(y), float(right - x), float(bottom - y)

    def _displacement(self, looks: Sequence[Look]) -> Grid:
        parts = [p.head.window(self._rows, self._columns).displacement(look.pose, p.scale)
                 for p, look in zip(self.people, looks, strict=True)]  # fmt: skip
        return np.asarray(np.sum(parts, axis=0), np.float32)


def _window(moves: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of a grid outside which nothing moves."""
    rows, columns = np.flatnonzero(moves.any(1)), np.flatnonzero(moves.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _matrix(place: Place, size: tuple[int, int]) -> NDArray[np.float32]:
    """From a photograph's pixels to the picture's, `(2, 3)`."""
    person = portrait(place.person)
    scale = place.face_height * size[1] / person.face_height_px
    shift = np.array(place.at) * size - scale * person.face_centre
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def _composited(rgb: NDArray[np.float32], person: Portrait, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (rgb.shape[1], rgb.shape[0])
    colour = cv2.warpAffine(person.picture, matrix, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(person.alpha, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    share = np.clip(alpha, 0, 1)[..., None]
    return np.clip(rgb + share * (colour - rgb), 0, 1).astype(np.float32)


def _person(person: Portrait, matrix: NDArray[np.float32], rgb: NDArray[np.float32], size: tuple[int, int]) -> Person:
    scale = float(matrix[0, 0])
    points = person.mesh[:, :2] * scale + matrix[:, 2]
    lids = person.lids * scale + matrix[:, 2]
    eyes = [eye_shapes(rgb, contour, _brow_y(points[brow], contour)) for contour, brow in zip(lids, BROWS, strict=True)]
    return Person(scale, points, head(person).placed(matrix, size), mouth_shapes(rgb, points), (eyes[0], eyes[1]))


def _brow_y(brow: NDArray[np.floating], lids: NDArray[np.floating]) -> float:
    """Height above which nothing moves when the lid closes: between the lid's top and the brow."""
    top = lids[:, 1].min()
    return float(top - 0.6 * (top - brow[:, 1].max()))
