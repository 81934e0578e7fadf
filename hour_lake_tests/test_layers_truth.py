"""Layers on talking portraits, held against what is known of them: blinks, mouth, yaw, loudness, light."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hour_lake.identity import Segment
from hour_lake.layers import Samples
from hour_lake.layers._runs import runs
from hour_lake.layers.active_speaker import active_speaker
from hour_lake.layers.av_sync import av_sync
from hour_lake.media.cut import cut
from hour_lake.media.sound import extract_audio, read_samples
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.registry import load_layers
from hour_lake.passes.run import run_pass
from hour_lake.passes.tables import from_parquet
from hour_lake.settings import Limits
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.weights import weights_folder as weights_folder

pytestmark = pytest.mark.slow
SECONDS = 14.0  # of each video; neither has a cut, a dark stretch or a second person in these
LOOK = ("face_boxes", "face_landmarks", "blink", "mouth", "head_pose")
LISTEN = ("loudness", "voice_activity", "av_sync", "active_speaker")
Talk = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module", params=["collins-two-cameras", "hopper-too-loud"])
def talk(
    request: pytest.FixtureRequest, corpus: Path, weights_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Talk:
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
    heard, _ = read_samples(samples)
    return truth, {**{name: from_parquet(outcome.data) for name, outcome in made.items()}, "samples": heard}


def at_frames(truth: dict[str, Any], name: str) -> np.ndarray:
    """A curve of the truth at the frames of the clip: of the last source frame that is on the screen by then."""
    shown = np.searchsorted(truth["per_frame"]["time_seconds"], np.arange(SECONDS * 25) / 25 + 1e-6, side="right") - 1
    return np.array(truth["per_frame"][name])[shown]


def test_blinks_are_found_and_nothing_else(talk: Talk, accuracy: Accuracy) -> None:
    truth, tables = talk
    true = [(start, stop) for start, stop in truth["blinks_seconds"] if stop < SECONDS - 0.5]
    found = [(start / 25, stop / 25) for start, stop in runs(tables["blink"]["is_blink"])]
    assert len(true) >= 2
    recalled = [any(a < stop and start < b for a, b in found) for start, stop in true]
    precise = [any(a < stop and start < b for start, stop in truth["blinks_seconds"]) for a, b in found]
    accuracy("blink", "recall", np.mean(recalled), above=0.9, against="corpus")
    accuracy("blink", "precision", np.mean(precise), above=0.9, against="corpus")


def test_yaw_is_within_five_degrees(talk: Talk, accuracy: Accuracy) -> None:
    truth, tables = talk
    yaw, found = at_frames(truth, "yaw_degrees"), tables["head_pose"]["yaw_degrees"]
    assert np.ptp(yaw) > 15
    # The truth is a turn against the photograph, whose own yaw is not known.
    error = found - yaw
    off = np.abs(error - np.median(error)).mean()
    accuracy("head_pose", "yaw, mean error (degrees)", off, below=5, against="corpus")
    accuracy("head_pose", "yaw, correlation", np.corrcoef(yaw, found)[0, 1], above=0.95, against="corpus")


def test_the_mouth_follows_the_lips(talk: Talk, accuracy: Accuracy) -> None:
    truth, tables = talk
    opened = at_frames(truth, "mouth_openness")
    same = np.corrcoef(opened, tables["mouth"]["openness"])[0, 1]
    accuracy("mouth", "openness, correlation", same, above=0.8, against="corpus")
    times = np.arange(len(opened)) / 25
    speaks = np.any([(start <= times) & (times < stop) for start, stop in truth["speech_seconds"]], axis=0)
    right = (tables["mouth"]["is_speaking"] == speaks).mean()
    accuracy("mouth", "frames rightly called speaking or not", right, above=0.8, against="corpus")


def test_one_face_where_it_is(talk: Talk, accuracy: Accuracy) -> None:
    truth, tables = talk
    one = (tables["face_boxes"]["face_count"] == 1).mean()
    accuracy("face_boxes", "frames with exactly the one face", one, above=0.98, against="corpus")
    mesh = tables["face_landmarks"]["points_px"].reshape(-1, 478, 2)[:, :468]
    true = at_frames(truth, "face_box_px")
    centre, width = true[:, :2] + true[:, 2:] / 2, true[:, 2]
    assert np.ptp(mesh[:, :, 1], axis=1) == pytest.approx(true[:, 3], rel=0.2)
    points = np.linalg.norm((mesh.min(axis=1) + mesh.max(axis=1)) / 2 - centre, axis=1) / width
    accuracy("face_landmarks", "centre, mean error (face widths)", points.mean(), below=0.05, against="corpus")
    found = [
        np.array([row[0] for row in tables["face_boxes"][name]]) for name in ("x_px", "y_px", "width_px", "height_px")
    ]
    off = np.hypot(found[0] + found[2] / 2 - centre[:, 0], found[1] + found[3] / 2 - centre[:, 1]) / width
    accuracy("face_boxes", "centre, mean error (face widths)", off.mean(), below=0.05, against="corpus")


def test_sound_that_was_shifted_is_found(talk: Talk, accuracy: Accuracy) -> None:
    _, tables = talk
    samples = tables["samples"]
    off: list[float] = []
    for shift_ms in range(-200, 201, 40):
        late = np.roll(samples, 16 * shift_ms)
        late[: max(0, 16 * shift_ms)] = late[len(late) + min(0, 16 * shift_ms) :] = 0
        for start in (0, 7):
            opened = {"openness": tables["mouth"]["openness"][25 * start : 25 * (start + 7)]}
            heard = Samples(late[16_000 * start : 16_000 * (start + 7)], 16_000)
            off.append(abs(float(av_sync(opened, heard)["lag_ms"][0]) - shift_ms))
    right = np.mean(np.array(off) <= 40)
    accuracy("av_sync", "shifts of -200 to 200 ms found within 40 ms", right, above=0.9, against="corpus, 7 s each")
    accuracy("av_sync", "lag, largest error (ms)", max(off), below=40, against="corpus, 7 s each")


def test_who_speaks_and_who_does_not(talk: Talk, accuracy: Accuracy) -> None:
    _, tables = talk
    own = tables["active_speaker"]
    assert own["is_active"].tolist() == [True]
    accuracy("active_speaker", "score with the own sound", own["score"][0], above=0.4, against="corpus")
    boxes = {name: tables["face_boxes"][name] for name in ("x_px", "y_px", "width_px", "height_px")}
    backwards = Samples(tables["samples"][::-1].copy(), 16_000)
    other = active_speaker(boxes, tables["lip_motion"], backwards)
    accuracy(
        "active_speaker", "score with other sound", other["score"][0], below=0.3, against="corpus, sound backwards"
    )


def test_speech_is_heard_where_it_is(talk: Talk, accuracy: Accuracy) -> None:
    truth, tables = talk
    times = tables["voice_activity"]["start_seconds"] + 0.016
    speaks = np.any([(start <= times) & (times < stop) for start, stop in truth["speech_seconds"]], axis=0)
    right = (tables["voice_activity"]["is_speech"] == speaks).mean()
    accuracy("voice_activity", "windows rightly called speech or not", right, above=0.85, against="corpus")
