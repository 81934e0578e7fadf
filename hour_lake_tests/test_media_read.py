"""Reading clips: batches of frames, the two sound files, the clock, the tools."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.errors import ConfigError, MediaError
from hour_lake.identity import Segment
from hour_lake.media.clock import EPSILON_MS, first_tick, on_screen
from hour_lake.media.cut import cut
from hour_lake.media.decode import decode_frames
from hour_lake.media.sound import extract_audio, read_master, read_samples
from hour_lake.media.tools import check_codecs, check_tools, check_version, ffmpeg_path, program_version
from hour_lake.settings import Limits
from hour_lake_tests.media_clips import make_video, noise, number_of, samples_of


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 s of numbered frames with 1 kHz in stereo."""
    folder = tmp_path_factory.mktemp("clip")
    tone = np.rint(9_000 * np.sin(2 * np.pi * 1000 * np.arange(96_000) / 48_000)).astype(np.int16)
    source = make_video(folder / "s.mov", frames=50, sound=np.stack([tone, tone], 1), sound_codec="pcm_s16le")
    cut(source, Segment("s", 0, 2000), folder / "clip.mp4", Limits())
    return folder / "clip.mp4"


@pytest.mark.parametrize("per_batch", [1, 7, 50, 1000])
def test_batches_are_bounded_and_complete(clip: Path, per_batch: int) -> None:
    batches = list(decode_frames(clip, batch_bytes=per_batch * 160 * 96 * 3))
    assert [len(batch) for batch in batches[:-1]] == [per_batch] * (len(batches) - 1)
    assert [batch.first_index for batch in batches] == list(range(0, 50, per_batch))
    assert [number_of(picture) for batch in batches for picture in batch.pixels] == list(range(50))
    times = np.concatenate([batch.time_seconds for batch in batches])
    np.testing.assert_allclose(times, np.arange(50) / 25, atol=1e-9)


def test_memory_is_used_again_unless_someone_keeps_a_part_of_it(clip: Path) -> None:
    addresses: list[int] = []
    kept: dict[int, np.ndarray] = {}
    for batch in decode_frames(clip, batch_bytes=5 * 160 * 96 * 3):
        addresses.append(batch.pixels.ctypes.data)
        if batch.first_index in (10, 25):
            kept[batch.first_index + 2] = batch.pixels[2:3][0, ::2].transpose(1, 0, 2)[:, :, :2].swapaxes(0, 1)
    assert len(set(addresses)) == 4  # two kept, one in the loop's hands, one being filled
    [whole] = decode_frames(clip)
    for number, part in kept.items():
        np.testing.assert_array_equal(part, whole.pixels[number, ::2, :, :2])


def test_a_frame_larger_than_a_batch_comes_alone(clip: Path) -> None:
    assert {len(batch) for batch in decode_frames(clip, batch_bytes=1)} == {1}


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 90), (0, 0, 0), (255, 255, 255)])
@pytest.mark.parametrize("size_px", [(160, 96), (1280, 720)])
def test_colours_survive_in_small_and_in_large_pictures(
    tmp_path: Path, colour: tuple[int, int, int], size_px: tuple[int, int]
) -> None:
    """Untagged small video is BT.601 and large video BT.709, as players have it."""
    import av
    from av.video.reformatter import Colorspace

    matrix = Colorspace.ITU709 if size_px[1] >= 720 else Colorspace.ITU601
    source = tmp_path / "colour.mp4"
    with av.open(str(source), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "5"})
        video.width, video.height, video.pix_fmt = *size_px, "yuv420p"
        picture = np.full((size_px[1], size_px[0], 3), colour, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p", dst_colorspace=matrix)
        for pts in range(3):
            frame.pts = pts
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    made = tmp_path / "clip.mp4"
    cut(source, Segment("c", 0, 120), made, Limits())
    pixels = next(decode_frames(made)).pixels
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(axis=0), colour, atol=4)


def test_sound_files_have_exact_lengths_and_the_same_sound(clip: Path, tmp_path: Path) -> None:
    facts = extract_audio(clip, tmp_path / "a.wav", tmp_path / "a.flac")
    assert (facts.samples_16k, facts.samples_48k, facts.channels, facts.is_silent) == (32_000, 96_000, 2, False)
    master, master_hz = read_master(tmp_path / "a.flac")
    samples, samples_hz = read_samples(tmp_path / "a.wav")
    assert (master.shape, master_hz, master.dtype) == ((96_000, 2), 48_000, np.float32)
    assert (samples.shape, samples_hz, samples.dtype) == ((32_000,), 16_000, np.float32)
    np.testing.assert_array_equal(np.rint(master * 32768).astype(np.int16), samples_of(clip))
    # A tone far below 8 kHz comes through unchanged: every third sample of the master, but for the very ends.
    np.testing.assert_allclose(samples[200:-200], master[::3].mean(axis=1)[200:-200], atol=2e-3)
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_16"


def test_the_same_clip_gives_the_same_files(clip: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        extract_audio(clip, tmp_path / f"{name}.wav", tmp_path / f"{name}.flac")
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()
    assert (tmp_path / "one.flac").read_bytes() == (tmp_path / "two.flac").read_bytes()


def test_a_click_stays_at_its_instant(tmp_path: Path) -> None:
    sound = np.zeros((48_000, 1), np.int16)
    sound[[12_000, 36_003]] = 25_000
    source = make_video(tmp_path / "click.mov", frames=25, sound=sound, sound_codec="pcm_s16le")
    cut(source, Segment("c", 0, 1000), tmp_path / "c.mp4", Limits())
    extract_audio(tmp_path / "c.mp4", tmp_path / "c.wav", tmp_path / "c.flac")
    samples, _ = read_samples(tmp_path / "c.wav")
    assert np.argsort(np.abs(samples))[-2:].tolist() in ([4_000, 12_001], [12_001, 4_000])


def test_a_clip_without_sound_says_so_and_one_with_silence_does_not(tmp_path: Path) -> None:
    mute = make_video(tmp_path / "mute.mp4", frames=25)
    with pytest.raises(MediaError, match="NO_AUDIO"):
        extract_audio(mute, tmp_path / "m.wav", tmp_path / "m.flac")
    assert not (tmp_path / "m.wav").exists()
    quiet = make_video(
        tmp_path / "quiet.mov", frames=25, sound=np.zeros((48_000, 1), np.int16), sound_codec="pcm_s16le"
    )
    cut(quiet, Segment("q", 0, 1000), tmp_path / "q.mp4", Limits())
    assert extract_audio(tmp_path / "q.mp4", tmp_path / "q.wav", tmp_path / "q.flac").is_silent


def test_damage_says_how_far_it_came(clip: Path, tmp_path: Path) -> None:
    data = bytearray(clip.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 3000] = bytes(3000)
    (tmp_path / "bad.mp4").write_bytes(data)
    with pytest.raises(MediaError, match="CORRUPT: decoding failed after"):
        list(decode_frames(tmp_path / "bad.mp4"))
    assert sum(len(batch) for batch in decode_frames(clip)) == 50


@given(st.floats(0, 1e7))
def test_a_frame_is_on_screen_from_the_first_step_after_it_began(time_ms: float) -> None:
    tick = first_tick(time_ms)
    assert tick % 40 == 0
    assert time_ms <= tick + EPSILON_MS
    assert tick == 0 or time_ms > tick - 40 + EPSILON_MS - 1e-6


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40), st.integers(0, 20))
def test_what_is_on_screen_is_the_last_that_began(gaps: list[int], start: int) -> None:
    times = [0, *np.cumsum(gaps).tolist()]
    spans = [(time, until, n) for n, (time, until) in enumerate(zip(times, times[1:], strict=False))]
    shown = list(on_screen(spans, start_ms=start * 40, count=60))
    ticks = [tick for tick in range(start * 40, (start + 60) * 40, 40) if tick + 1 < times[-1]]
    assert shown[: len(ticks)] == [max(n for n, (time, *_) in enumerate(spans) if time <= tick + 1) for tick in ticks]
    assert len(shown) - len(ticks) in (0, 1)


def test_the_tools_are_there() -> None:
    versions = check_tools()
    assert set(versions) == {"pyav", "pyav_ffmpeg", "ffmpeg"}
    assert ffmpeg_path().is_file()


@pytest.mark.parametrize("version", ["5.1.9-0+deb12u1", "n7.1", "unknown", "", "git-2020-01-01"])
def test_an_old_or_nameless_tool_is_refused(version: str) -> None:
    check_version("ffmpeg", "8.1.2")
    with pytest.raises(ConfigError, match="TOOL_VERSION"):
        check_version("ffmpeg", version)


def test_a_missing_codec_is_refused_by_name() -> None:
    import av

    check_codecs(av.codecs_available)
    with pytest.raises(ConfigError, match="TOOL_VERSION") as caught:
        check_codecs(av.codecs_available - {"libx264", "hevc"})
    assert caught.value.value == "libx264, hevc"


def test_a_program_that_does_not_run_is_refused(tmp_path: Path) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    for program in (fake, tmp_path / "missing"):
        with pytest.raises(ConfigError, match="TOOL_VERSION"):
            program_version(program)


def test_the_tone_is_not_noise() -> None:
    """The helper's noise really has no repetition that could hide a shift."""
    values = noise(1.0)[:, 0].astype(float)
    lags = [np.dot(values[:40_000], values[lag : lag + 40_000]) for lag in (0, 50, 500, 5000)]
    assert lags[0] > 10 * max(abs(lag) for lag in lags[1:])
