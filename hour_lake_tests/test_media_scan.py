"""What a scan and a probe say of good videos, however odd."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hour_lake.errors import MediaError
from hour_lake.media.plan import cut_frames, plan
from hour_lake.media.probe import frame_rate_of, is_vfr, probe
from hour_lake.media.scan import scan
from hour_lake.settings import Limits, SegmentRules
from hour_lake_tests.media_clips import make_video, noise, numbered, remux

LIMITS = Limits()
RULES = SegmentRules()


@pytest.mark.parametrize(
    ("name", "codec", "sound", "container", "rate"),
    [
        ("a.mp4", "libx264", "aac", "mov", 24),
        ("b.mkv", "libx264", "flac", "matroska", 30),
        ("c.webm", "libvpx-vp9", "libopus", "matroska", 25),
        ("d.ts", "libx264", "aac", "mpegts", Fraction(30_000, 1001)),
        ("e.avi", "mpeg4", "mp3", "avi", 25),
        ("f.mp4", "libx265", "aac", "mov", 60),
    ],
)
def test_facts(tmp_path: Path, name: str, codec: str, sound: str, container: str, rate: Fraction | int) -> None:
    path = make_video(
        tmp_path / name, frames=60, rate=rate, codec=codec, sound=noise(2.0, channels=2), sound_codec=sound
    )
    facts = scan(path, LIMITS).facts
    assert (facts.container, facts.frames, facts.width_px, facts.height_px) == (container, 60, 160, 96)
    assert facts.frame_rate == pytest.approx(float(rate), abs=0.02)
    assert facts.nominal_frame_rate == pytest.approx(float(rate), abs=0.01)
    assert facts.video_duration_seconds == pytest.approx(60 / float(rate), abs=0.02)
    assert facts.audio_duration_seconds == pytest.approx(2.0, abs=0.08)
    assert (facts.sample_rate_hz, facts.channels, facts.is_vfr) == (48_000, 2, False)
    assert facts.size_bytes == path.stat().st_size
    quick = probe(path, LIMITS)
    assert (quick.frames, quick.sha256, quick.video_codec) == (60, facts.sha256, facts.video_codec)
    assert quick.video_duration_seconds == pytest.approx(facts.video_duration_seconds, abs=0.05)


def test_times_are_those_of_presentation(tmp_path: Path) -> None:
    gaps = np.random.default_rng(2).choice([20, 33, 80, 400], 30)
    times = np.r_[0, np.cumsum(gaps)].tolist()
    for suffix in ("mp4", "mkv", "ts"):
        found = scan(make_video(tmp_path / f"v.{suffix}", frames=31, times_ms=times), LIMITS)
        np.testing.assert_allclose(found.time_ms, times, atol=0.02)
        assert found.facts.is_vfr
        assert found.duration_ms > times[-1]


def test_a_rotated_video_is_as_it_is_shown(tmp_path: Path) -> None:
    plain = make_video(tmp_path / "plain.mp4", frames=10)
    facts = scan(remux(plain, tmp_path / "turned.mp4", "-display_rotation", "90"), LIMITS).facts
    assert (facts.width_px, facts.height_px, facts.rotation_degrees) == (96, 160, 270)


def test_a_video_without_sound(tmp_path: Path) -> None:
    found = scan(make_video(tmp_path / "mute.mp4", frames=100, pictures=[numbered(5)] * 100), LIMITS)
    assert found.facts.audio_codec is found.facts.audio_duration_seconds is found.facts.sample_rate_hz is None
    assert len(found.speech_probability) == 0
    assert [(s.start_ms, s.stop_ms) for s in plan(found, RULES) if s.segment] == [(0, 4000)]


@pytest.mark.parametrize("start", [0, 24_000])
def test_speech_windows_begin_with_the_picture(tmp_path: Path, start: int) -> None:
    """62 windows of 32 ms in 2 s; sound that ends early ends the row, a late start is silence in front."""
    sound = noise(1.0)
    path = make_video(tmp_path / "s.mov", frames=50, sound=sound, sound_codec="pcm_s16le", sound_start=start)
    found = scan(path, LIMITS)
    assert len(found.speech_probability) == int(np.ceil((1000 + start / 48) / 32))
    assert found.facts.audio_duration_seconds == 1.0
    assert ((found.speech_probability >= 0) & (found.speech_probability <= 1)).all()


def test_sound_longer_than_the_picture_is_left_out(tmp_path: Path) -> None:
    path = make_video(tmp_path / "long.mov", frames=25, sound=noise(3.0), sound_codec="pcm_s16le")
    assert len(scan(path, LIMITS).speech_probability) == int(np.ceil(1000 / 32))


def test_silence_and_clipping_are_no_errors(tmp_path: Path) -> None:
    """They are for layers to label; without speech the shots alone make the segments."""
    for level in (0, 32_767):
        sound = np.full((4 * 48_000, 1), level, np.int16)
        found = scan(
            make_video(tmp_path / f"{level}.mp4", frames=100, pictures=[numbered(5)] * 100, sound=sound), LIMITS
        )
        assert found.speech_probability.max() < 0.5
        assert [s.segment for s in plan(found, RULES)] == [True]


def _scene(seed: int, count: int, *, brightness: int, grain: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    base = np.kron(rng.integers(0, brightness, (6, 10, 3)), np.ones((16, 16, 1))).astype(np.int16)
    return [np.clip(base + rng.integers(-grain, grain + 1, base.shape), 0, 255).astype(np.uint8) for _ in range(count)]


def test_hard_cuts_are_found_to_the_frame_and_grain_is_not(tmp_path: Path) -> None:
    pictures = [*_scene(1, 30, brightness=256, grain=12), *_scene(2, 31, brightness=256, grain=12)]
    found = scan(make_video(tmp_path / "cut.mp4", frames=61, pictures=pictures), LIMITS)
    assert cut_frames(found.content_score, RULES) == [30]
    assert found.content_score[0] == 0


def test_a_dark_noisy_video_has_no_cuts(tmp_path: Path) -> None:
    pictures = _scene(3, 60, brightness=12, grain=6)
    found = scan(make_video(tmp_path / "dark.mp4", frames=60, pictures=pictures), LIMITS)
    assert cut_frames(found.content_score, RULES) == []


def test_a_not_finite_sample_has_a_place(tmp_path: Path) -> None:
    import av

    path = tmp_path / "nan.mkv"
    values = np.zeros((1, 48_000), np.float32)
    values[0, 12_000] = np.nan
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        audio = out.add_stream("pcm_f32le", rate=48_000, layout="mono")
        for number in range(25):
            out.mux(video.encode(av.VideoFrame.from_ndarray(numbered(number), "rgb24")))
        out.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(values, "flt", "mono")
        frame.sample_rate = 48_000
        out.mux(audio.encode(frame))
    with pytest.raises(MediaError, match="AUDIO_NONFINITE") as caught:
        scan(path, LIMITS)
    assert caught.value.value == "at 0.250 s"


@pytest.mark.parametrize(
    ("times", "vfr"),
    [
        ([n * 1000 / 30 for n in range(100)], False),
        ([round(n * 1000 / 29.97) for n in range(100)], False),
        ([n * 40 + (n % 2) * 10 for n in range(100)], True),
        ([n * 40 if n < 50 else n * 33 + 350 for n in range(100)], True),
        ([0, 40], False),
    ],
)
def test_what_counts_as_a_variable_rate(times: list[float], vfr: bool) -> None:
    assert is_vfr(np.array(times, np.float64)) is vfr


def test_a_single_frame_has_a_rate() -> None:
    assert frame_rate_of(np.zeros(1), 0.04) == 25.0
