"""Layers that look at faces, on a real photograph."""

import cv2
import numpy as np
import pytest

from hour_lake.layers import Table
from hour_lake.layers.blink import blink, openness
from hour_lake.layers.face_boxes import face_boxes
from hour_lake.layers.face_landmarks import face_landmarks
from hour_lake.layers.head_pose import head_pose
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import eyes_shut, frames_of, landmarks_of, portrait, scene, turned
from hour_lake_tests.weights import weights_folder as weights_folder

pytestmark = pytest.mark.usefixtures("weights_folder")
NONE, ONE, TWO = scene(), scene((400, 150, 1.2)), scene((150, 150, 1.4), (800, 200, 0.9))


def test_boxes_count_the_faces_of_each_frame_and_a_frame_without_one_is_a_row() -> None:
    table = face_boxes()(frames_of(ONE, NONE, TWO, ONE))
    assert table["face_count"].tolist() == [1, 0, 2, 1]
    assert [len(x) for x in table["x_px"]] == [1, 0, 2, 1]
    assert np.isnan(table["key_points_px"]).any(axis=1).tolist() == [False, True, False, False]
    assert np.isnan(table["area_share"]).tolist() == [False, True, False, False]
    x, y, width, height = (table[name][0][0] for name in ("x_px", "y_px", "width_px", "height_px"))
    # The eyes of the portrait are at about (170, 170) of its 320 x 400 pixels.
    assert abs(x + width / 2 - (400 + 1.2 * 165)) < 40
    assert abs(y + height / 2 - (150 + 1.2 * 195)) < 60
    assert table["area_share"][0] == pytest.approx(width * height / (1280 * 720), rel=1e-4)


@pytest.mark.parametrize("degrees", [-20, 20])
def test_the_box_stays_about_a_face_that_turns(degrees: float) -> None:
    frames = frames_of(turned(ONE, landmarks_of(frames_of(ONE)), degrees))
    box, mesh = face_boxes()(frames), landmarks_of(frames)["points_px"][0].reshape(478, 2)[:468, 0]
    middle = box["x_px"][0][0] + box["width_px"][0][0] / 2
    assert abs(middle - (mesh.min() + mesh.max()) / 2) < 0.04 * np.ptp(mesh)  # BlazeFace's own is off by 0.08 and more


def test_a_face_half_out_of_the_picture_says_so() -> None:
    cut = np.roll(ONE, -560, axis=1)
    cut[:, 720:] = 96
    table = face_boxes()(frames_of(ONE, cut))
    assert table["inside_share"][0] == pytest.approx(1, abs=1e-4)
    assert table["face_count"][1] == 0 or table["inside_share"][1] < 0.95


def test_the_main_face_stays_when_a_larger_one_comes() -> None:
    small, both = scene((800, 200, 0.9)), TWO
    table = face_boxes()(frames_of(small, both, both))
    assert [row[0] > 700 for row in table["x_px"]] == [True, True, True]
    assert table["width_px"][1][0] < table["width_px"][1][1]
    assert face_boxes()(frames_of(both))["x_px"][0][0] < 700  # seen for the first time, the larger one is the main


def test_batches_of_any_size_give_the_same_rows() -> None:
    pictures = [ONE, NONE, TWO, scene((420, 160, 1.2)), ONE]
    whole = face_boxes()(frames_of(*pictures))
    layer = face_boxes()
    parts = [layer(frames_of(*pictures[:2])), layer(frames_of(*pictures[2:], first_index=2))]
    for name, column in whole.items():
        both = [row for part in parts for row in part[name]]
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(column, both, strict=True)), name


def test_points_follow_the_face_and_are_missing_without_one() -> None:
    table = landmarks_of(frames_of(ONE, NONE, scene((440, 170, 1.2))))
    assert table["presence"][[0, 2]] == pytest.approx(1, abs=0.01)
    assert np.isnan(table["presence"][1])
    for name in ("points_px", "depth_px", "right_eye_px", "left_eye_px"):
        assert np.isfinite(table[name][[0, 2]]).all(), name
        assert np.isnan(table[name][1]).all(), name
    moved = (table["points_px"][2] - table["points_px"][0]).reshape(478, 2)
    assert np.median(moved, axis=0) == pytest.approx([40, 20], abs=1)
    nose, right_eye, left_eye = (table["points_px"][0].reshape(478, 2)[k] for k in (1, 33, 263))
    assert right_eye[0] < nose[0] < left_eye[0]
    assert table["depth_px"][0][1] < table["depth_px"][0][[234, 454]].min()  # the nose is nearest


def test_eye_contours_run_from_the_outer_corner() -> None:
    table = landmarks_of(frames_of(ONE))
    right, left = (table[name][0].reshape(16, 2) for name in ("right_eye_px", "left_eye_px"))
    assert right[0, 0] < right[8, 0] < left[8, 0] < left[0, 0]
    for eye in (right, left):
        assert (eye[1:8, 1] > eye[9:16, 1]).all()  # the lower lid is below the upper


@pytest.mark.parametrize("scale", [0.8, 1.2, 1.6])
def test_blinks_of_a_photograph_are_found(scale: float) -> None:
    still = scene((400, 20, scale))
    shut = eyes_shut(still, landmarks_of(frames_of(still)))
    open_rows, shut_rows = landmarks_of(frames_of(still)), landmarks_of(frames_of(shut))
    assert openness(shut_rows["right_eye_px"])[0] < 0.85 * openness(open_rows["right_eye_px"])[0]
    table = {name: np.concatenate([open_rows[name]] * 30 + [shut_rows[name]] * 4 + [open_rows[name]] * 30)
             for name in open_rows}  # fmt: skip
    assert np.flatnonzero(blink(table)["is_blink"]).tolist() == [30, 31, 32, 33]


@pytest.mark.parametrize("degrees", [-25, -10, 10, 25])
def test_yaw_of_a_turned_face(degrees: int) -> None:
    start = landmarks_of(frames_of(ONE))
    poses = head_pose(landmarks_of(frames_of(ONE, turned(ONE, start, degrees))))
    assert poses["yaw_degrees"][1] - poses["yaw_degrees"][0] == pytest.approx(degrees, abs=5)


def test_a_mirrored_face_is_turned_the_other_way() -> None:
    turned_right = turned(ONE, landmarks_of(frames_of(ONE)), 15)
    poses = head_pose(landmarks_of(frames_of(turned_right, turned_right[:, ::-1].copy())))
    for name in ("yaw_degrees", "roll_degrees"):
        assert poses[name][0] == pytest.approx(-poses[name][1], abs=4), name
    assert poses["pitch_degrees"][0] == pytest.approx(poses["pitch_degrees"][1], abs=3)
    assert poses["yaw_degrees"][0] > 8


def test_roll_of_a_leaning_head(accuracy: Accuracy) -> None:
    clockwise = [cv2.getRotationMatrix2D((600, 400), -degrees, 1) for degrees in (0, 15, -20)]
    leaning = [cv2.warpAffine(ONE, matrix, (1280, 720), borderValue=(96, 96, 96)) for matrix in clockwise]
    roll = head_pose(landmarks_of(frames_of(*leaning)))["roll_degrees"]
    off = np.abs(roll - roll[0] - [0, 15, -20]).max()
    accuracy("head_pose", "roll, error (degrees)", off, below=3, against="a portrait turned by 15 and -20")


def test_a_frame_without_a_face_has_no_pose() -> None:
    poses = head_pose(landmarks_of(frames_of(ONE, NONE, ONE)))
    assert np.isnan(poses["yaw_degrees"]).tolist() == [False, True, False]
    assert np.isnan(poses["turn_degrees"]).tolist() == [True, True, True]


def test_landmarks_stay_on_the_main_face() -> None:
    boxes = face_boxes()
    frames = frames_of(scene((800, 200, 0.9)), TWO)
    table: Table = face_landmarks(frames, boxes(frames))
    assert (table["points_px"][:, ::2].mean(axis=1) > 800).all()


def test_the_portrait_is_there() -> None:
    assert portrait().shape == (400, 320, 3)
