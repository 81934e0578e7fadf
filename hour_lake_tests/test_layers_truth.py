"""Layers on talking portraits, held against what is known of them: blinks, mouth, head, places, sound."""

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
SOME = "corpus, 2 videos, 14 s each"
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


def test_blinks_are_found_and_nothing_else(talk: Talk) -> None:
    """`test_flow_truth` counts those of all videos."""
    truth, tables = talk
    true = [(start, stop) for start, stop in truth["blinks_seconds"] if stop < SECONDS - 0.5]
    found = [(start / 25, stop / 25) for start, stop in runs(tables["blink"]["is_blink"])]
    assert len(true) >= 2
    recalled = [any(a < stop and start < b for a, b in found) for start, stop in true]
    precise = [any(a < stop and start < b for start, stop in truth["blinks_seconds"]) for a, b in found]
    assert np.mean(recalled) >= 0.9 <= np.mean(precise)


def test_yaw_is_within_five_degrees(talk: Talk) -> None:
    truth, tables = talk
    yaw, found = at_frames(truth, "yaw_degrees"), tables["head_pose"]["yaw_degrees"]
    assert np.ptp(yaw) > 15
    error = np.abs(found - yaw)
    assert error.mean() <= 5 and np.percentile(error, 95) <= 5 and np.corrcoef(yaw, found)[0, 1] >= 0.95


def test_pitch_is_within_four_degrees(talk: Talk) -> None:
    """The truth is a turn against the photograph; its own pitch is taken to be what the layer calls 0.

    In one of these two the head nods by less than 7 degrees, so that the unrest of speech weighs in the correlation.
    """
    truth, tables = talk
    pitch, found = at_frames(truth, "pitch_degrees"), tables["head_pose"]["pitch_degrees"]
    error = np.abs(found - pitch)
    assert error.mean() <= 4 and np.percentile(error, 95) <= 7 and np.corrcoef(pitch, found)[0, 1] >= 0.7


def test_the_mouth_follows_the_lips(talk: Talk, accuracy: Accuracy) -> None:
    truth, tables = talk
    opened = at_frames(truth, "mouth_openness")
    same = np.corrcoef(opened, tables["mouth"]["openness"])[0, 1]
    accuracy("mouth", "openness, correlation", same, above=0.8, against=SOME)
    times = np.arange(len(opened)) / 25
    speaks = np.any([(start <= times) & (times < stop) for start, stop in truth["speech_seconds"]], axis=0)
    right = (tables["mouth"]["is_speaking"] == speaks).mean()
    accuracy("mouth", "frames rightly called speaking or not", right, above=0.8, against=SOME)


def test_one_face_where_it_is(talk: Talk, accuracy: Accuracy) -> None:
    truth, tables = talk
    one = (tables["face_boxes"]["face_count"] == 1).mean()
    accuracy("face_boxes", "frames with exactly the one face", one, above=0.98, against=SOME)
    mesh = tables["face_landmarks"]["points_px"].reshape(-1, 478, 2)[:, :468]
    true = at_frames(truth, "face_box_px")
    centre, width = true[:, :2] + true[:, 2:] / 2, true[:, 2]
    assert np.ptp(mesh[:, :, 1], axis=1) == pytest.approx(true[:, 3], rel=0.2)
    points = np.linalg.norm((mesh.min(axis=1) + mesh.max(axis=1)) / 2 - centre, axis=1) / width
    accuracy("face_landmarks", "centre, mean error (face widths)", points.mean(), below=0.05, against=SOME)
    found = [
        np.array([row[0] for row in tables["face_boxes"][name]]) for name in ("x_px", "y_px", "width_px", "height_px")
    ]
    off = np.hypot(found[0] + found[2] / 2 - centre[:, 0], found[1] + found[3] / 2 - centre[:, 1]) / width
    accuracy("face_boxes", "centre, mean error (face widths)", off.mean(), below=0.05, against=SOME)


def shifted(samples: np.ndarray, shift_ms: int) -> np.ndarray:
    """The sound that many ms later, silence where there is none."""
    late = np.roll(samples, 16 * shift_ms)
    late[: max(0, 16 * shift_ms)] = late[len(late) + min(0, 16 * shift_ms) :] = 0
    return late


def test_sound_that_was_shifted_is_found(talk: Talk, accuracy: Accuracy) -> None:
    _, tables = talk
    samples = tables["samples"]
    off: list[float] = []
    for shift_ms in range(-200, 201, 40):
        late = shifted(samples, shift_ms)
        for start in (0, 7):
            opened = {"openness": tables["mouth"]["openness"][25 * start : 25 * (start + 7)]}
            heard = Samples(late[16_000 * start : 16_000 * (start + 7)], 16_000)
            off.append(abs(float(av_sync(opened, heard)["lag_ms"][0]) - shift_ms))
    right = np.mean(np.array(off) <= 40)
    accuracy(
        "av_sync",
        "shifts of -200 to 200 ms found within 40 ms",
        right,
        above=0.9,
        against="corpus, 2 videos, 2 x 7 s each",
    )
    accuracy("av_sync", "lag, largest error (ms)", max(off), below=40, against="corpus, 2 videos, 2 x 7 s each")


def test_every_window_of_five_seconds_has_the_lag(talk: Talk, accuracy: Accuracy) -> None:
    _, tables = talk
    right: list[bool] = []
    for shift_ms in range(-200, 201, 40):
        rows = av_sync(tables["mouth"], Samples(shifted(tables["samples"], shift_ms), 16_000))
        assert (rows["stop_seconds"] - rows["start_seconds"])[1:] == pytest.approx([5] * 4)
        right += (np.abs(rows["lag_ms"] - shift_ms) <= 40).tolist()[1:]
    accuracy("av_sync", "windows of 5 s: lag within 40 ms", np.mean(right), above=0.9,
             against=f"{SOME}, 44 windows")  # fmt: skip


def test_who_speaks_and_who_does_not(talk: Talk, accuracy: Accuracy) -> None:
    _, tables = talk
    own = tables["active_speaker"]
    assert own["is_active"].tolist() == [True]
    accuracy("active_speaker", "score with the own sound", own["score"][0], above=0.4, against=SOME)
    boxes = {name: tables["face_boxes"][name] for name in ("x_px", "y_px", "width_px", "height_px")}
    backwards = Samples(tables["samples"][::-1].copy(), 16_000)
    other = active_speaker(boxes, tables["lip_motion"], backwards)
    accuracy(
        "active_speaker", "score with other sound", other["score"][0], below=0.3, against=f"{SOME}, sound backwards"
    )


def test_speech_is_heard_where_it_is(talk: Talk, accuracy: Accuracy) -> None:
    truth, tables = talk
    times = tables["voice_activity"]["start_seconds"] + 0.016
    speaks = np.any([(start <= times) & (times < stop) for start, stop in truth["speech_seconds"]], axis=0)
    right = (tables["voice_activity"]["is_speech"] == speaks).mean()
    accuracy("voice_activity", "windows rightly called speech or not", right, above=0.85, against=SOME)
