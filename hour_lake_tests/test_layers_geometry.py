"""Layers that reckon with boxes and points: sizes, tracks, masks, movement, gaze, expression; by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from hour_lake.layers import Samples, Table
from hour_lake.layers.active_speaker import active_speaker
from hour_lake.layers.expression import expression
from hour_lake.layers.face_completeness import face_completeness
from hour_lake.layers.face_count import face_count
from hour_lake.layers.face_mask import LIPS, face_mask, masks
from hour_lake.layers.face_size import face_size
from hour_lake.layers.face_tracks import face_tracks
from hour_lake.layers.gaze import EYEBALL_OVER_WIDTH, gaze
from hour_lake.layers.head_motion import head_motion
from hour_lake.layers.lip_motion import lip_motion
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import frames_of

Box = tuple[float, float, float, float]
NAMES = ("x_px", "y_px", "width_px", "height_px")


def boxes(*frames: Sequence[Box]) -> Table:
    """A table of face_boxes."""
    lists: dict[str, Any] = {
        name: [np.array([box[k] for box in frame], np.float32) for frame in frames] for k, name in enumerate(NAMES)
    }
    main = np.array([frame[0] if frame else [np.nan] * 4 for frame in frames])
    return {"face_count": np.array([len(frame) for frame in frames], np.int16), **lists,
            "area_share": main[:, 2] * main[:, 3] / (1280 * 720)}  # fmt: skip


def landmarks(points: np.ndarray, eyes: np.ndarray | None = None) -> Table:
    """A table of face_landmarks: `points` `(n, 478, 2)`, `eyes` `(n, 2, 16, 2)`, right then left."""
    contours = np.zeros((len(points), 2, 16, 2)) if eyes is None else eyes
    return {"points_px": points.reshape(len(points), -1).astype(np.float32),
            "right_eye_px": contours[:, 0].reshape(-1, 32), "left_eye_px": contours[:, 1].reshape(-1, 32)}  # fmt: skip


def furthest(found: Any, wanted: Any) -> float:
    """The largest difference of two arrays; a value that only one of them has is infinitely far."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    assert found.shape == wanted.shape
    if (np.isnan(found) != np.isnan(wanted)).any():
        return float("inf")
    return float(np.nanmax(np.abs(found - wanted)))


def test_an_odd_frame_costs_twenty_points() -> None:
    one, other = (100, 100, 200, 200), (700, 100, 50, 50)
    table = face_count(boxes([one], [one, other], [], [one], [one, other]))
    assert (table["consistency_score"], table["odd_frames"], table["faces_max"]) == (40, 3, 2)
    assert table["longest_odd_seconds"] == pytest.approx(0.08)
    assert face_count(boxes(*[[]] * 10))["consistency_score"] == 0


def test_size_is_that_of_the_main_face(accuracy: Accuracy) -> None:
    table = face_size(boxes([(0, 0, 300, 200), (0, 0, 20, 20)], []))
    assert table["side_px"][0] == 200 and np.isnan(table["side_px"][1])
    assert table["area_share"][0] == pytest.approx(60_000 / (1280 * 720))
    off = furthest(table["side_px"], [200, np.nan])
    accuracy("face_size", "shorter side, error (px)", off, below=1e-3, against="boxes of known sizes")


def test_two_faces_that_pass_each_other_are_two_tracks_with_their_gap_bridged(accuracy: Accuracy) -> None:
    frames = [[(100.0 + 3 * t, 100, 100, 100), (300.0 - 3 * t, 190, 100, 100)] for t in range(60)]
    for t in range(20, 25):
        frames[t] = frames[t][1:]  # the first face is missed
    for t in range(60):
        frames[t] = frames[t][:: 1 if t % 2 else -1]  # the order in the list says nothing
    frames[30].append((10, 10, 30, 30))  # seen once: a mistake
    table = face_tracks(boxes(*frames))
    assert np.unique(table["track_id"]).tolist() == [0, 1]
    ways = {track: table["x_px"][table["track_id"] == track] for track in (0, 1)}
    assert {len(way) for way in ways.values()} == {60}
    rising = next(track for track, way in ways.items() if way[-1] > way[0])
    assert (np.diff(ways[rising]) >= 0).all() and (np.diff(ways[1 - rising]) <= 0).all()
    bridged = table["frame"][table["is_bridged"] & (table["track_id"] == rising)]
    assert bridged.tolist() == list(range(20, 25))
    inside = ways[rising][10:50]
    off = furthest(inside, 100 + 3 * np.arange(10, 50))
    accuracy("face_tracks", "box, largest error (px)", off, below=3, against="two faces that pass, 3 px a frame, a gap")


def test_a_face_that_is_gone_too_long_begins_anew() -> None:
    here: list[Sequence[Box]] = [[(100, 100, 100, 100)]] * 10
    assert np.unique(face_tracks(boxes(*here, *[[]] * 25, *here))["track_id"]).tolist() == [0]
    assert np.unique(face_tracks(boxes(*here, *[[]] * 26, *here))["track_id"]).tolist() == [0, 1]


def test_no_face_no_track() -> None:
    assert {len(column) for column in face_tracks(boxes([], [])).values()} == {0}


def test_a_face_that_leaves_the_picture_is_less_complete(accuracy: Accuracy) -> None:
    points = np.tile(np.linspace(0, 99, 478)[:, None], (1, 2))[None]
    shifted = np.concatenate([points, points - 50, points - 200, np.full_like(points, np.nan)])
    table = face_completeness(frames_of(*[np.zeros((100, 100, 3), np.uint8)] * 4), landmarks(shifted))
    off = furthest(table["mesh_share"], [1, 0.49, 0, np.nan])
    accuracy(
        "face_completeness", "share of the mesh, error", off, below=0.02, against="a mesh moved out of the picture"
    )
    assert np.isnan(table["mesh_share"][3]) and np.isnan(table["points_share"][3])


def test_speed_is_in_degrees_and_face_widths_a_second(accuracy: Accuracy) -> None:
    points = np.zeros((3, 478, 2))
    points[:, 454, 0] = 100
    points[1:] += (4, 3)
    pose = {"yaw_degrees": np.array([0, 3, 3.0]), "pitch_degrees": np.array([0, 4, 4.0]), "roll_degrees": np.zeros(3)}
    table = head_motion(pose, landmarks(points))
    assert np.isnan(table["degrees_per_second"][0])
    assert table["degrees_per_second"][1:] == pytest.approx([125, 0])
    assert table["widths_per_second"][1:] == pytest.approx([25 * 0.05, 0])
    off = furthest(table["degrees_per_second"], [np.nan, 125, 0])
    accuracy("head_motion", "turning, error (degrees a second)", off, below=1e-3, against="steps of known size")


def eyes_looking(yaw: float, pitch: float, *, roll: float = 0.0, opened: float = 0.3) -> Table:
    """Both eyes 30 px wide, turned by an eyeball of 12 px; the head leans by `roll`."""
    corner = np.concatenate([np.linspace(0, 1, 9), np.linspace(0, 1, 9)[1:8]])
    lid = np.concatenate([np.sin(np.pi * corner[:9]), -np.sin(np.pi * corner[9:])]) * opened / 2 / 0.72
    points, contours = np.zeros((1, 478, 2)), np.zeros((1, 2, 16, 2))
    turn = np.radians(roll)
    lean = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    for k, (iris, middle, way) in enumerate([(468, 100, 1), (473, 170, -1)]):  # the inner corners face each other
        contours[0, k] = np.column_stack([way * (corner - 0.5) * 30 + middle, 50 + 30 * lid]) @ lean
        shift = 30 * EYEBALL_OVER_WIDTH * np.sin(np.radians([yaw, -pitch]))
        points[0, iris] = (np.array([middle, 50]) + shift) @ lean
    return landmarks(points, contours)


@pytest.mark.parametrize("roll", [0, 20, -35])
@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-15, 10), (0, -25)])
def test_gaze_is_the_angle_of_the_eyeball(yaw: float, pitch: float, roll: float, accuracy: Accuracy) -> None:
    table = gaze(eyes_looking(yaw, pitch, roll=roll))
    off = max(abs(table["yaw_degrees"][0] - yaw), abs(table["pitch_degrees"][0] - pitch))
    accuracy(
        "gaze", "angle, error (degrees)", off, below=1, against="eyes drawn by the layer's own ratio, head leaning"
    )


def test_a_shut_eye_looks_nowhere() -> None:
    assert np.isnan(gaze(eyes_looking(0, 0, opened=0.05))["yaw_degrees"][0])


@pytest.mark.parametrize("lean", [0.0, 0.4])
def test_expression_sees_corners_and_brows_move_whatever_the_head_does(lean: float, accuracy: Accuracy) -> None:
    base = np.zeros((478, 2))
    places = {33: (0, 0), 263: (100, 0), 61: (25, 70), 291: (75, 70), 13: (50, 68), 14: (50, 72),
              105: (20, -25), 334: (80, -25), 159: (15, -5), 386: (85, -5)}  # fmt: skip
    for index, place in places.items():
        base[index] = place
    smile, brows = base.copy(), base.copy()
    smile[[61, 291]] += [(-5, -8), (5, -8)]
    brows[[105, 334]] += (0, -6)
    turn = np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
    table = expression(landmarks(2.5 * np.stack([base, smile, brows]) @ turn + 300))
    assert table["mouth_width"] == pytest.approx([0.5, 0.6, 0.5])
    assert table["corner_raise"] == pytest.approx([0, 0.08, 0], abs=1e-4)
    assert table["brow_raise"] == pytest.approx([0.2, 0.2, 0.26], abs=1e-4)
    true = {"mouth_width": [0.5, 0.6, 0.5], "corner_raise": [0, 0.08, 0], "brow_raise": [0.2, 0.2, 0.26]}
    off = max(furthest(table[name], wanted) for name, wanted in true.items())
    accuracy("expression", "distances, error (eye distances)", off, below=1e-4,
             against="points moved by known ways, head leaning")  # fmt: skip


def shoelace(corners: np.ndarray) -> float:
    """The area of a polygon `(n, 2)` by Gauss's formula."""
    x, y = corners.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


@pytest.mark.parametrize("lean", [0.0, 0.7])
def test_hull_and_lips_of_a_known_mesh(lean: float, accuracy: Accuracy) -> None:
    """A face that is a regular 36-gon with all else inside it, and lips that are a 20-gon in an ellipse."""
    inside = np.random.default_rng(5).uniform(-60, 60, (478, 2))
    around, lips = (np.linspace(0, 2 * np.pi, n, endpoint=False) for n in (36, 20))
    others = np.setdiff1d(np.arange(468), LIPS)
    corners = others[:36]
    mesh = inside.copy()
    mesh[corners] = 100 * np.column_stack([np.cos(around), np.sin(around)])
    mesh[LIPS] = np.column_stack([40 * np.cos(lips), 15 * np.sin(lips)]) + (0, 50)
    mesh[468:] += 500  # irises are no part of the mesh
    turn = np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
    placed = mesh @ turn + (320, 180)
    table = face_mask(landmarks(np.stack([placed, np.full_like(placed, np.nan)])))
    hull, mouth = 36 / 2 * 100**2 * np.sin(2 * np.pi / 36), 20 / 2 * 40 * 15 * np.sin(2 * np.pi / 20)
    off = max(abs(table["hull_area_px"][0] / hull - 1), abs(table["lips_area_px"][0] / mouth - 1))
    accuracy(
        "face_mask", "areas, relative error", off, below=1e-4, against="a mesh of two known polygons, head leaning"
    )
    found = np.asarray(table["hull_px"][0]).reshape(-1, 2)
    assert shoelace(found) == pytest.approx(hull, rel=1e-4)
    assert sorted(map(tuple, found.round(2))) == sorted(map(tuple, placed[corners].astype(np.float32).round(2)))
    assert table["lips_px"][0].reshape(20, 2) == pytest.approx(placed[LIPS], abs=1e-3)
    faces, drawn = masks(table, height=360, width=640)
    assert np.count_nonzero(faces[0]) == pytest.approx(hull, rel=0.02)  # a border of half a px is drawn along
    assert np.count_nonzero(drawn[0]) == pytest.approx(mouth, rel=0.08)
    assert not len(table["hull_px"][1]) and np.isnan(table["hull_area_px"][1]) and np.isnan(table["lips_area_px"][1])
    assert not faces[1].any() and not drawn[1].any()


def test_masks_are_the_polygons_filled() -> None:
    square = np.array([10, 20, 30, 20, 30, 50, 10, 50], np.float32)
    table = {"hull_px": [square, np.empty(0, np.float32)],
             "lips_px": np.vstack([np.tile(square, 5), np.full(40, np.nan)])}  # fmt: skip
    faces, lips = masks(table, height=100, width=60)
    assert faces.shape == (2, 100, 60) and set(np.unique(faces)) == {0, 255}
    assert np.count_nonzero(faces[0]) == pytest.approx(21 * 31, abs=4)
    assert faces[0][20:51, 10:31].all() and not faces[1].any() and not lips[1].any()


def test_of_two_faces_the_one_that_moves_its_mouth_with_the_sound_speaks() -> None:
    chosen, seconds = np.random.default_rng(3), 8
    syllables = np.repeat(chosen.random(seconds * 5) > 0.5, 5) * 1.0
    left, right = (100, 100, 200, 200), (700, 100, 200, 200)
    own = chosen.random(seconds * 25) * 3
    motion = {"lip_motion": [np.array([a, b], np.float32) for a, b in zip(own, 4 * syllables + own / 3, strict=True)]}
    carrier = np.sin(2 * np.pi * 500 * np.arange(seconds * 16_000) / 16_000) * 0.3
    sound = carrier * np.interp(np.arange(seconds * 16_000) / 16_000, np.arange(seconds * 25) / 25, syllables)
    table = active_speaker(boxes(*[[left, right]] * (seconds * 25)), motion, Samples(sound.astype(np.float32), 16_000))
    assert table["is_active"].tolist() == [False, True]
    silent = active_speaker(boxes(*[[left, right]] * 200), motion, Samples(np.zeros(128_000, np.float32), 16_000))
    assert not silent["is_active"].any()


def test_lip_motion_is_of_the_mouth_alone_and_goes_on_over_batches(accuracy: Accuracy) -> None:
    chosen = np.random.default_rng(0)
    still = chosen.integers(0, 255, (180, 320, 3)).astype(np.uint8)
    speaking = still.copy()
    speaking[115:145, 90:130] = chosen.integers(0, 255, (30, 40, 3))  # the mouth of a face at (60, 20, 100, 130)
    here = boxes(*[[(60, 20, 100, 130), (200, 20, 100, 130)]] * 2)
    layer = lip_motion()
    first = layer(frames_of(still, speaking), here)["lip_motion"]
    second = layer(frames_of(still, still, first_index=2), here)["lip_motion"]
    assert first[0].tolist() == [0, 0] and first[1][0] > 10 and first[1][1] == 0
    assert second[0][0] > 10 and second[1].tolist() == [0, 0]
    still_ones = [first[0], first[1][1:], second[0][1:], second[1]]
    accuracy("lip_motion", "of a face that keeps still", np.abs(np.concatenate(still_ones)).max(), below=0,
             against="noise that changes in one of two mouths")  # fmt: skip
