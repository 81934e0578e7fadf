"""Whose face, which writing, which cuts: networks of others on pictures whose content is known."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hour_lake.layers import Frames, Table
from hour_lake.layers.content_change import content_change
from hour_lake.layers.face_boxes import face_boxes
from hour_lake.layers.identity import identity
from hour_lake.layers.shot_boundaries import shot_boundaries
from hour_lake.layers.text_overlay import text_overlay
from hour_lake.media.decode import decode_frames
from hour_lake.passes.request import Picker
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import frames_of, scene
from hour_lake_tests.weights import weights_folder as weights_folder

pytestmark = pytest.mark.usefixtures("weights_folder")
SAME_PERSON_BELOW = 0.6  # dlib's


def faces_of(video: Path, *, every: int = 150, most: int = 3) -> tuple[Frames, Table]:
    """A few frames of a video, far apart, and the faces in them."""
    found: list[Any] = []
    for batch in decode_frames(video):
        found += [batch.pixels[k] for k in range(len(batch)) if (batch.first_index + k) % every == every // 2]
        if len(found) >= most:
            break
    frames = frames_of(*found[:most])
    return frames, face_boxes()(frames)


def test_the_two_people_of_the_corpus_are_never_mixed(corpus: Path, accuracy: Accuracy) -> None:
    names = ("collins-two-cameras.mp4", "collins-dim-room.mp4", "hopper-webcam.mkv", "hopper-too-loud.mov")
    people: dict[str, list[np.ndarray]] = {}
    for name in names:
        frames, boxes = faces_of(corpus / name)
        for k in range(len(frames)):
            look = identity()
            look(
                Frames(frames.pixels[k : k + 1], frames.time_seconds[k : k + 1]),
                {n: c[k : k + 1] for n, c in boxes.items()},
            )
            people.setdefault(name.partition("-")[0], []).append(look.finish()["embedding"])
    collins, hopper = np.array(people["collins"]), np.array(people["hopper"])
    same = max(np.linalg.norm(one[:, None] - one[None], axis=2).max() for one in (collins, hopper))
    other = np.linalg.norm(collins[:, None] - hopper[None], axis=2).min()
    accuracy("identity", "one person, largest distance", same, below=SAME_PERSON_BELOW, against="corpus, 4 videos")
    accuracy("identity", "two people, smallest distance", other, above=SAME_PERSON_BELOW, against="corpus, 4 videos")


def test_no_face_and_a_cut_off_face_are_nobody() -> None:
    look = identity()
    empty = frames_of(scene())
    look(empty, face_boxes()(empty))
    found = look.finish()
    assert np.isnan(found["embedding"]).all() and found["looks"] == 0


def written(text: str, *, at: tuple[int, int] = (60, 330)) -> np.ndarray:
    picture = cv2.resize(scene((400, 100, 1.2)), (640, 360), interpolation=cv2.INTER_AREA)
    if text:
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2, cv2.LINE_AA)
    return picture


def test_writing_is_read_measured_and_known_to_stay() -> None:
    looks = frames_of(written(""), *[written("BREAKING NEWS 42")] * 4, written("CHAPTER", at=(60, 60)))
    table = text_overlay()(looks)
    assert table["text"] == ["", *["BREAKING NEWS 42"] * 4, "CHAPTER"]
    (width, height), base = cv2.getTextSize("BREAKING NEWS 42", cv2.FONT_HERSHEY_SIMPLEX, 1, 2)
    assert table["area_share"][1] == pytest.approx(width * (height + base) / (640 * 360), rel=0.35)
    assert table["area_share"][0] == 0
    assert (table["stable_share"] > 0).tolist() == [False, False, False, True, True, False]


def test_the_same_writing_wherever_batches_begin() -> None:
    layer, whole = text_overlay(), [written("STATION 7")] * 4
    parts = [layer(frames_of(one, first_index=k)) for k, one in enumerate(whole)]
    together = text_overlay()(frames_of(*whole))
    assert np.concatenate([part["stable_share"] for part in parts]) == pytest.approx(together["stable_share"])


def test_cuts_are_found_to_the_frame(corpus: Path, accuracy: Accuracy) -> None:
    shots = [
        faces_of(corpus / name, every=2, most=12)[0].pixels for name in ("collins-two-cameras.mp4", "hopper-webcam.mkv")
    ]
    dark = (shots[0] * 0.5).astype(np.uint8)
    frames = frames_of(*shots[0], *shots[1], *dark, *shots[1][:5])
    layer = content_change()
    scores = [
        layer(Frames(frames.pixels[a:b], frames.time_seconds[a:b], a))["content_score"] for a, b in [(0, 7), (7, 41)]
    ]
    found = shot_boundaries({"content_score": np.concatenate(scores)})
    assert np.flatnonzero(found["is_cut"]).tolist() == [12, 24, 36]
    true, cuts = {12, 24, 36}, set(np.flatnonzero(found["is_cut"]).tolist())
    accuracy("shot_boundaries", "cuts exact to the frame, F1", 2 * len(true & cuts) / (len(true) + len(cuts)), above=1,
             against="scenes of the corpus put together")  # fmt: skip


def test_a_shaking_picture_is_no_cut() -> None:
    shaken = np.random.default_rng(0).integers(0, 255, (20, 60, 100, 3)).astype(np.uint8)
    scores = content_change()(frames_of(*shaken))
    assert scores["content_score"][1:].min() > 27 and not shot_boundaries(scores)["is_cut"].any()


def test_half_a_look_a_second() -> None:
    assert Picker(0.5)(np.arange(100) / 25).tolist() == [0, 50]
