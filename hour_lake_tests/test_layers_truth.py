"""Layers on talking portraits, held against what is known of them: blinks, mouth, yaw, loudness, light."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hour_lake.identity import Segment
from hour_lake.layers._runs import runs
from hour_lake.media.cut import cut
from hour_lake.media.sound import extract_audio
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.registry import load_layers
from hour_lake.passes.run import run_pass
from hour_lake.passes.tables import from_parquet
from hour_lake.settings import Limits
from hour_lake_tests.weights import weights_folder as weights_folder

pytestmark = pytest.mark.slow
SECONDS = 14.0  # of each video; neither has a cut, a dark stretch or a second person in these
LOOK = ("face_boxes", "face_landmarks", "blink", "mouth", "head_pose")
LISTEN = ("loudness", "voice_activity")


@pytest.fixture(scope="module", params=["collins-two-cameras", "hopper-too-loud"])
def talk(
    request: pytest.FixtureRequest, corpus: Path, weights_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is known of the first 14 s of a video, and the tables of layers over the clip of it."""
    truth = json.loads((corpus / "truth.json").read_text())["videos"][request.param]
    folder, segment = tmp_path_factory.mktemp("talk"), Segment(request.param, 0, round(1000 * SECONDS))
    clip, samples, master = folder / "clip.mp4", folder / "samples.wav", folder / "master.flac"
    cut(corpus / truth["file"], segment, clip, Limits())
    extract_audio(clip, samples, master)
    wanted = load_layers().with_reads([*LOOK, *LISTEN])
    outcomes = run_pass(wanted, SegmentMedia(segment.id, clip, samples, master), {}, {})
    made = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Outcome)}
    assert set(made) == set(outcomes), outcomes
    return truth, {name: from_parquet(outcome.data) for name, outcome in made.items()}


def at_frames(truth: dict[str, Any], name: str) -> np.ndarray:
    """A curve of the truth at the frames of the clip: of the last source frame that is on the screen by then."""
    shown = np.searchsorted(truth["per_frame"]["time_seconds"], np.arange(SECONDS * 25) / 25 + 1e-6, side="right") - 1
    return np.array(truth["per_frame"][name])[shown]


def test_blinks_are_found_and_nothing_else(talk: tuple[dict[str, Any], dict[str, Any]]) -> None:
    truth, tables = talk
    true = [(start, stop) for start, stop in truth["blinks_seconds"] if stop < SECONDS - 0.5]
    found = [(start / 25, stop / 25) for start, stop in runs(tables["blink"]["is_blink"])]
    assert len(true) >= 2
    recalled = [any(a < stop and start < b for a, b in found) for start, stop in true]
    precise = [any(a < stop and start < b for start, stop in truth["blinks_seconds"]) for a, b in found]
    assert np.mean(recalled) >= 0.9
    assert np.mean(precise) >= 0.9


def test_yaw_is_within_five_degrees(talk: tuple[dict[str, Any], dict[str, Any]]) -> None:
    truth, tables = talk
    yaw, found = at_frames(truth, "yaw_degrees"), tables["head_pose"]["yaw_degrees"]
    assert np.ptp(yaw) > 15
    # The truth is a turn against the photograph, whose own yaw is not known.
    error = found - yaw
    assert np.abs(error - np.median(error)).mean() < 5
    assert np.corrcoef(yaw, found)[0, 1] > 0.95


def test_the_mouth_follows_the_lips(talk: tuple[dict[str, Any], dict[str, Any]]) -> None:
    truth, tables = talk
    opened = at_frames(truth, "mouth_openness")
    assert np.corrcoef(opened, tables["mouth"]["openness"])[0, 1] > 0.8
    times = np.arange(len(opened)) / 25
    speaks = np.any([(start <= times) & (times < stop) for start, stop in truth["speech_seconds"]], axis=0)
    assert (tables["mouth"]["is_speaking"] == speaks).mean() > 0.8


def test_one_face_where_it_is(talk: tuple[dict[str, Any], dict[str, Any]]) -> None:
    truth, tables = talk
    assert (tables["face_boxes"]["face_count"] == 1).mean() > 0.98
    mesh = tables["face_landmarks"]["points_px"].reshape(-1, 478, 2)[:, :468]
    x, y, width, height = at_frames(truth, "face_box_px").T
    assert np.abs(mesh.mean(axis=1)[:, 0] - (x + width / 2)).max() < 0.25 * width.mean()
    assert np.ptp(mesh[:, :, 1], axis=1) == pytest.approx(height, rel=0.2)


def test_speech_is_heard_where_it_is(talk: tuple[dict[str, Any], dict[str, Any]]) -> None:
    truth, tables = talk
    times = tables["voice_activity"]["start_seconds"] + 0.016
    speaks = np.any([(start <= times) & (times < stop) for start, stop in truth["speech_seconds"]], axis=0)
    assert (tables["voice_activity"]["is_speech"] == speaks).mean() > 0.85
