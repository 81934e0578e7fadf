"""Layers on InsightFace's networks, which stand-ins replace: what they are shown, and where their answers lie."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hour_lake.errors import ModelError
from hour_lake.layers import Table
from hour_lake.layers.face_embedding import MARKS, face_embedding, five_points
from hour_lake.layers.face_landmarks_106 import face_landmarks_106
from hour_lake.layers.people_arcface import people_arcface
from hour_lake.ledger.project import Project
from hour_lake.models.arcface import PLACES, embedding, similarity
from hour_lake.models.landmarks_106 import find_points
from hour_lake.models.store import PROFILE_VARIABLE, weights
from hour_lake.settings import Settings
from hour_lake_tests.insightface_networks import POINTS_106
from hour_lake_tests.insightface_networks import insightface_networks as insightface_networks
from hour_lake_tests.pictures import frames_of, landmarks_of, scene
from hour_lake_tests.weights import weights_folder as weights_folder

pytestmark = pytest.mark.usefixtures("insightface_networks")
Points = NDArray[np.floating]


def spot(x: float, y: float, *, wide: float = 8) -> NDArray[np.uint8]:
    """A red spot with its middle at (x, y) of a black picture, and a blue one elsewhere, that nobody asks for."""
    columns, rows = np.meshgrid(np.arange(640), np.arange(360))
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[..., 0] = np.rint(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * wide**2)))
    picture[150:170, 300:330, 2] = 255
    return picture


def placed(points: Points, *, degrees: float, scale: float, shift: tuple[float, float]) -> Points:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + shift


def umeyama(points: Points, places: Points) -> Points:
    """The nearest similarity by a singular value decomposition (Umeyama 1991), as InsightFace's aligner asks for it."""
    p, q = points - points.mean(axis=0), places - places.mean(axis=0)
    left, sizes, right = np.linalg.svd(q.T @ p)
    sign = np.array([1, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(sign) @ right * (sizes @ sign) / (p**2).sum()
    return np.hstack([turn, (places.mean(axis=0) - turn @ points.mean(axis=0))[:, None]])


@pytest.mark.parametrize("box", [(240, 100, 100, 140), (250, 110, 160, 90), (-20, 60, 300, 320)])
def test_the_106_points_lie_where_the_network_sees_them(box: tuple[float, ...]) -> None:
    x, y, width, height = box
    # A crop of 1.5 times the longer side around the box's middle, 192 px wide.
    px = 1.5 * max(width, height) / 192
    at = (x + width / 2 + 7, y + height / 2 - 4)
    found = find_points(spot(*at), box=np.array(box, np.float32), asked_by="a test")
    assert found == pytest.approx(at + POINTS_106 * px, abs=0.05 * px)


def test_a_row_a_frame_and_none_without_a_face() -> None:
    boxes = {"face_count": np.array([1, 0, 2])}
    for name, first in (("x_px", 240), ("y_px", 100), ("width_px", 100), ("height_px", 140)):
        boxes[name] = np.array([np.array([first]), np.zeros(0), np.array([first, 5])], object)
    table = face_landmarks_106(frames_of(*[spot(300, 180)] * 3), boxes)
    assert table["points_px"].shape == (3, 212) and table["points_px"].dtype == np.float32
    assert np.isnan(table["points_px"]).all(axis=1).tolist() == [False, True, False]
    middle = (table["points_px"][0] - (POINTS_106 * 1.5 * 140 / 192).ravel()).reshape(106, 2)
    assert middle == pytest.approx(np.tile([300, 180], (106, 1)), abs=0.1)


@pytest.mark.parametrize(
    ("degrees", "scale", "noise"), [(0, 1, 0), (20, 2.5, 0), (-35, 0.7, 0), (15, 2, 4), (170, 1, 2)]
)
def test_a_face_is_aligned_by_the_nearest_similarity(degrees: float, scale: float, noise: float) -> None:
    off = np.random.default_rng(0).normal(0, 1, (5, 2)) * noise
    points = placed(PLACES, degrees=degrees, scale=scale, shift=(200, 90)) + off
    found = similarity(points, PLACES)
    assert found == pytest.approx(umeyama(points, PLACES), abs=1e-9)
    if noise == 0:
        assert points @ found[:, :2].T + found[:, 2] == pytest.approx(PLACES, abs=1e-9)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (25, 1.8), (-15, 2.2)])
def test_arcface_sees_the_face_upright_in_112_px(degrees: float, scale: float) -> None:
    shift, at = (220, 60), np.array([[60.0, 75.0]])  # of the aligned face
    points = placed(PLACES, degrees=degrees, scale=scale, shift=shift)
    (x, y), *_ = placed(at, degrees=degrees, scale=scale, shift=shift)
    found = embedding(spot(x, y, wide=6 * scale), points=points, asked_by="a test")
    assert found.shape == (512,) and np.linalg.norm(found) == pytest.approx(1)
    assert found[:2] / found[2] == pytest.approx(at[0], abs=0.05)


def tables(count: int, *, inside: float = 1.0) -> tuple[Table, Table]:
    """`face_boxes` and `face_landmarks` of frames with one face, whose five points are ArcFace's own, at (200, 100)."""
    right_eye, left_eye, nose, *mouth = PLACES + (200, 100)
    mesh = np.zeros((478, 2), np.float32)
    mesh[1], mesh[[61, 291]] = nose, mouth
    lids = {"right_eye_px": right_eye, "left_eye_px": left_eye}
    marks = {"points_px": np.tile(mesh.ravel(), (count, 1))}
    for name, middle in lids.items():
        lid = np.zeros((16, 2), np.float32)
        lid[0], lid[8] = middle - (6, 1), middle + (6, 1)
        marks[name] = np.tile(lid.ravel(), (count, 1))
    sides = {name: [np.array([side])] * count
             for name, side in (("x_px", 200), ("y_px", 100), ("width_px", 112), ("height_px", 112))}  # fmt: skip
    return {"face_count": np.ones(count, int), "inside_share": np.full(count, inside), **sides}, marks


def test_a_segment_has_the_mean_of_its_looks_and_says_how_far_they_lie_apart() -> None:
    look = face_embedding()
    look(frames_of(spot(240, 150), spot(280, 150)), *tables(2))
    found = look.finish()
    each = np.array([[40, 50, 1], [80, 50, 1]]) / np.linalg.norm([[40, 50, 1], [80, 50, 1]], axis=1)[:, None]
    middle = each.mean(axis=0) / np.linalg.norm(each.mean(axis=0))
    assert found["looks"] == 2
    assert found["embedding"][:3] == pytest.approx(middle, abs=1e-3)
    assert found["spread"] == pytest.approx(1 - (each @ middle).min(), abs=1e-3)


def test_cut_off_faces_and_no_face_are_nobody() -> None:
    look = face_embedding()
    look(frames_of(spot(240, 150)), *tables(1, inside=0.5))
    found = look.finish()
    assert np.isnan(found["embedding"]).all() and found["looks"] == 0


@pytest.mark.usefixtures("weights_folder")
def test_the_five_points_of_a_portrait_fit_the_places_of_arcface() -> None:
    marks = landmarks_of(frames_of(scene((400, 150, 1.2))))
    points = five_points(*(marks[name][0] for name in MARKS))
    matrix = similarity(points, PLACES)
    off = np.linalg.norm(points @ matrix[:, :2].T + matrix[:, 2] - PLACES, axis=1)
    assert off.max() < 4  # px of 112
    assert np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])) == pytest.approx(0, abs=6)


def test_people_are_told_apart_by_the_cosine() -> None:
    base = np.eye(3, 512)
    faces = np.array([base[0], base[1], base[0] + 0.5 * base[2], np.full(512, np.nan), 3 * base[1] + base[2]])
    names = np.array([f"v{k}_00000000_00001000" for k in range(5)], object)
    found = people_arcface({"segment_id": names, "embedding": faces.astype(np.float32)})
    assert found["segment_id"].tolist() == names[[0, 1, 2, 4]].tolist()
    assert found["person"] == [names[0], names[1], names[0], names[1]]
    assert found["segments"].tolist() == [2, 2, 2, 2]
    assert (found["distance"] < 0.1).all()
    nobody = people_arcface({"segment_id": names[3:4], "embedding": faces[3:4].astype(np.float32)})
    assert all(len(column) == 0 for column in nobody.values())


@pytest.mark.parametrize(
    ("model", "layer", "instead"),
    [("insightface_2d106det", "face_landmarks_106", "face_landmarks"),
     ("insightface_w600k_r50", "face_embedding", "identity")],
)  # fmt: skip
def test_the_commercial_profile_refuses_them(
    model: str, layer: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROFILE_VARIABLE, "commercial")
    with pytest.raises(ModelError, match=rf"MODEL_REFUSED.*{layer}.*take {instead} \("):
        weights(model, asked_by=layer)


def test_they_are_off_until_asked_for(tmp_path: Path) -> None:
    plain = Project.open(Settings(home=tmp_path))
    assert not [name for name in plain.models if name.startswith("insightface")]
    asked = Project.open(Settings(home=tmp_path, opt_in=("face_landmarks_106", "face_embedding", "people_arcface")))
    assert {name: tuple(by) for name, by in asked.models.items() if name.startswith("insightface")} == {
        "insightface_2d106det": ("face_landmarks_106",), "insightface_w600k_r50": ("face_embedding",)
    }  # fmt: skip
