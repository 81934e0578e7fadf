"""The clip of the aligned face: eyes at their places, frames without a face; and the engine that encodes it."""

import io
from pathlib import Path

import av
import numpy as np
import pytest

from hour_lake.assets.layers import product
from hour_lake.errors import HourLakeError, LayerError
from hour_lake.identity import parse_segment_id
from hour_lake.layers.face_crop import EYES, SIDE_PX, eye_middles_px, face_crop
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.landing import stage
from hour_lake.ledger.project import Project
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.run import run_pass
from hour_lake.settings import Settings
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import frames_of, landmarks_of, scene
from hour_lake_tests.toy_layers import READERS, layers_of, make_clip
from hour_lake_tests.weights import weights_folder as weights_folder

SEGMENT = "bob_00000000_00000400"  # 10 frames
TOYS = """
@layer(reads="frames", columns={"level": "float32"}, clip_px=64)
def toy_clip(frames):
    pixels = np.ascontiguousarray(frames.pixels[:, :64, :64])
    return {"level": pixels.mean(axis=(1, 2, 3)), "pixels": pixels}

@layer(reads="frames", columns={"level": "float32"}, clip_px=64)
def toy_narrow(frames):
    return {"level": np.zeros(len(frames)), "pixels": frames.pixels[:, :62, :64]}

@layer(reads="frames", columns={"level": "float32"}, clip_px=64)
def toy_forgets(frames):
    return {"level": np.zeros(len(frames))}
"""


def pictures_of(data: bytes) -> np.ndarray:
    """Frames of an mp4, RGB."""
    with av.open(io.BytesIO(data)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_eyes_stay_at_their_places_while_the_head_moves(weights_folder: Path, accuracy: Accuracy) -> None:
    moving = frames_of(*(scene((300 + 12 * k, 150 + 4 * k, 1.2 + 0.02 * k)) for k in range(8)))
    crops = face_crop()(moving, landmarks_of(moving))
    assert crops["is_face"].all()
    eyes = eye_middles_px(landmarks_of(frames_of(*crops["pixels"])))  # found anew, in the crops
    furthest = float(np.abs(eyes - EYES * SIDE_PX).max())
    accuracy("face_crop", "eyes from their places, px of 256", furthest, below=3,
             against="a portrait that moves 13 px a frame, eyes found again in the crop")  # fmt: skip


def test_a_frame_without_a_face_is_black_and_batches_make_no_difference(weights_folder: Path) -> None:
    pictures = [scene((400, 150, 1.2)), scene((404, 150, 1.2)), scene(), scene((408, 150, 1.2))]
    frames = frames_of(*pictures)
    found = landmarks_of(frames)
    whole = face_crop()(frames, found)
    assert whole["is_face"].tolist() == [True, True, False, True]
    assert np.isnan(whole["matrix"][2]).all() and not whole["pixels"][2].any() and whole["pixels"][3].any()
    layer = face_crop()
    parts = [layer(frames_of(*pictures[at : at + 2], first_index=at), {n: c[at : at + 2] for n, c in found.items()})
             for at in (0, 2)]  # fmt: skip
    assert np.array_equal(whole["pixels"], np.concatenate([part["pixels"] for part in parts]))


def test_a_jump_to_another_place_starts_again() -> None:
    layer = face_crop()
    here, there = np.array([[100.0, 100], [160, 100]]), np.array([[500.0, 100], [560, 100]])
    for eyes in (here, here, there):
        assert np.allclose(eyes @ layer.smoothed(eyes)[:, :2].T + layer.last[-1][:, 2], EYES * SIDE_PX)
    assert len(layer.last) == 1


def test_smoothing_halves_what_trembles_and_does_not_lag() -> None:
    layer, random = face_crop(), np.random.default_rng(1)
    truth = np.array([[100.0, 100], [160, 100]]) + np.arange(60)[:, None, None] * [2.0, 1.0]
    trembling = truth + random.normal(0, 0.5, truth.shape)
    off = np.array(
        [
            eyes @ m[:, :2].T + m[:, 2] - EYES * SIDE_PX
            for eyes, m in ((true, layer.smoothed(seen)) for true, seen in zip(truth, trembling, strict=True))
        ]
    )
    assert np.abs(off[5:].mean(axis=0)).max() < 0.5
    assert off[5:].std() < 0.9 * 0.5 * 256 * 0.3 / 60


def test_the_engine_encodes_what_a_layer_gives_and_the_same_bytes_twice(tmp_path: Path) -> None:
    media = SegmentMedia(SEGMENT, make_clip(tmp_path / "clip.mp4", frames=10, width=96, height=80))
    layers = layers_of(tmp_path / "layers", toys=TOYS)
    wanted = [layers[name] for name in ("toy_clip", "toy_narrow", "toy_forgets")]
    first, again = (run_pass(wanted, media, {}, {}, readers=READERS) for _ in range(2))
    one, two = first["toy_clip"], again["toy_clip"]
    assert isinstance(one, Outcome) and isinstance(two, Outcome) and one.clip and one.clip == two.clip
    pictures = pictures_of(one.clip)
    assert pictures.shape == (10, 64, 64, 3)
    assert pictures.mean(axis=(1, 2, 3)) == pytest.approx(10 + 2 * np.arange(10), abs=2)
    for name, value in (("toy_narrow", "uint8 (4, 62, 64, 3)"), ("toy_forgets", "NoneType")):
        error = first[name]
        assert isinstance(error, HourLakeError)
        assert (error.code, error.value) == ("LAYER_OUTPUT", value)
        assert error.where and "toys.py:" in error.where


def test_the_clip_lands_beside_the_table_and_goes_with_it(tmp_path: Path) -> None:
    """Through the step and the staging of a run, into a lake."""
    project = Project.open(Settings(home=tmp_path))
    segment = parse_segment_id(SEGMENT)
    step = project.steps["face_crop"]
    where = f"layers/face_crop/bob/{SEGMENT}"
    assert step.outputs(segment) == (f"{where}.parquet", f"{where}.mp4")
    assert project.steps["face_boxes"].outputs(segment) == (f"layers/face_boxes/bob/{SEGMENT}.parquet",)
    made = product("face_crop", segment, Outcome(b"table", 10, 0.1, clip=b"pictures"))
    broken = LayerError("LAYER_FAILED", "toy")
    for what, there in ((made, {".parquet", ".mp4"}), (broken, set[str]())):
        ledger = Ledger(project.lake, project.lake.resolve("main"))
        with project.lake.transaction("main", {}) as transaction:
            stage(transaction, [step], segment, {"face_crop": what}, ledger)
        assert {Path(entry.path).suffix for entry in project.lake.entries("main", "layers/")} == there
    assert product("face_boxes", segment, Outcome(b"table", 10, 0.1)).files.keys() == {
        f"layers/face_boxes/bob/{SEGMENT}.parquet"
    }


@pytest.mark.parametrize(
    "declaration",
    ['reads="frames", clip_px=62', 'reads="samples", clip_px=64', 'reads="frames", rows="window", clip_px=64'],
)
def test_a_clip_that_cannot_be_had_is_told_at_once(tmp_path: Path, declaration: str) -> None:
    body = f'@layer({declaration}, columns={{"level": "float32"}})\ndef toy_bad(one): ...\n'
    broken = layers_of(tmp_path, toys=body).broken
    assert [(type(error), error.code) for error in broken] == [(LayerError, "LAYER_CLIP")]


def test_a_clip_that_would_come_after_the_last_batch_is_refused(tmp_path: Path) -> None:
    body = """
@layer(reads="frames", clip_px=64, columns={"level": "float32"})
class toy_bad:
    def __call__(self, frames): ...
    def finish(self): ...
"""
    (error,) = layers_of(tmp_path, toys=body).broken
    assert error.code == "LAYER_CLIP" and "finish() comes after the last" in str(error)
