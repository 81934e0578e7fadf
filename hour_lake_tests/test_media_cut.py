"""Clips are exact: which source frame each of theirs shows, and which source sample each of theirs is."""

import hashlib
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hour_lake.errors import MediaError
from hour_lake.identity import Segment
from hour_lake.media.cut import ClipFacts, cut
from hour_lake.media.decode import decode_frames
from hour_lake.settings import Limits
from hour_lake_tests.media_clips import make_video, noise, number_of, numbers_of, remux, samples_of

LIMITS = Limits()
FILM, NTSC, NTSC_60 = (Fraction(thousands, 1001) for thousands in (24_000, 30_000, 60_000))
SPANS = ((0, 1000), (1000, 2000), (1480, 1880))
OPEN_GOP = {"preset": "ultrafast", "x264-params": "open-gop=1:bframes=3:b-adapt=0:keyint=12:scenecut=0:threads=1"}
# file name, codec, frames a second, encoder options
SOURCES = [
    ("film.mp4", "libx264", FILM, None),
    ("24.mp4", "libx264", 24, None),
    ("25.mp4", "libx264", 25, None),
    ("30.mp4", "libx264", 30, None),
    ("ntsc.mp4", "libx264", NTSC, None),
    ("50.mp4", "libx264", 50, None),
    ("ntsc-60.mp4", "libx264", NTSC_60, None),
    ("60.mp4", "libx264", 60, None),
    ("open.mp4", "libx264", 25, OPEN_GOP),
    ("open.ts", "libx264", 25, OPEN_GOP),
    ("hevc.mp4", "libx265", 25, None),
    ("film.mkv", "libx264", FILM, None),
    ("ntsc.mkv", "libx264", NTSC, None),
    ("50.mkv", "libx264", 50, None),
    ("ntsc-60.mkv", "libx264", NTSC_60, None),
    ("60.mkv", "libx264", 60, None),
    ("vp9.webm", "libvpx-vp9", 30, None),
    ("vp8.webm", "libvpx", 24, None),
    ("30.ts", "libx264", 30, None),
    ("25.avi", "libx264", 25, None),
    ("mpeg4.avi", "mpeg4", 30, None),
]


def clip_of(source: Path, start_ms: int, stop_ms: int) -> tuple[Path, ClipFacts]:
    segment = Segment(source.stem.replace(".", "-"), start_ms, stop_ms)
    clip = source.with_name(f"{source.name}.{segment.id}.mp4")
    return clip, cut(source, segment, clip, LIMITS)


def lag_samples(got: NDArray[np.int16], sound: NDArray[np.int16], at: int) -> int:
    """How many samples too early `got` is, if its first should be `sound[at]`: where the two correlate best."""
    most, first = 1_500, got[:9_600, 0].astype(float)
    near = np.pad(sound[:, 0].astype(float), most)[at : at + len(first) + 2 * most]
    return int(np.argmax(np.correlate(near, first, "valid"))) - most


def assert_heard(clip: Path, sound: NDArray[np.int16], start_ms: int, stop_ms: int, *, codec: str) -> None:
    """That a clip's sound is `[start_ms, stop_ms)` of this: the same bits, or what the encoder left of it in place."""
    got, wanted = samples_of(clip), sound[start_ms * 48 : stop_ms * 48]
    assert len(got) == len(wanted)
    if codec == "aac":
        assert lag_samples(got, sound, start_ms * 48) == 0
    else:
        np.testing.assert_array_equal(got, wanted)


def shown(times_ms: Sequence[float | Fraction], start_ms: int, stop_ms: int) -> list[int]:
    """By the rule: at each instant of the grid the last frame that began at most 1 ms later."""
    return [max(n for n, time in enumerate(times_ms) if time <= tick + 1) for tick in range(start_ms, stop_ms, 40)]


@pytest.mark.parametrize(("name", "codec", "rate", "options"), SOURCES, ids=[source[0] for source in SOURCES])
def test_each_frame_is_the_one_on_screen(
    tmp_path: Path, name: str, codec: str, rate: Fraction | int, options: dict[str, str] | None
) -> None:
    frames = math.ceil(2 * rate) + 1
    source = make_video(tmp_path / name, frames=frames, rate=rate, codec=codec, options=options)
    times = [n * 1000 / Fraction(rate) for n in range(frames)]
    if name.endswith(("mkv", "webm")):
        times = [round(time) for time in times]  # all that they store
    for start, stop in SPANS:
        clip, facts = clip_of(source, start, stop)
        assert numbers_of(clip) == shown(times, start, stop)
        assert facts.frames == (stop - start) // 40


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", None), ("mkv", None), ("ts", None), ("mp4", "aac"), ("mkv", "flac"), ("mov", "pcm_s16le")],
)
def test_variable_frame_rate(tmp_path: Path, suffix: str, codec: str | None) -> None:
    gaps = np.random.default_rng(1).choice([17, 33, 40, 90, 250], 40)
    times = np.r_[0, np.cumsum(gaps)].tolist()
    stop = times[-1] // 40 * 40
    sound = noise(times[-1] / 1000)
    source = make_video(tmp_path / f"vfr.{suffix}", frames=len(times), times_ms=times, codec="libx264",
                        sound=sound if codec else None, sound_codec=codec or "aac")  # fmt: skip
    for start in (0, 1000):
        clip, _ = clip_of(source, start, stop)
        assert numbers_of(clip) == shown(times, start, stop)
        if codec:
            assert_heard(clip, sound, start, stop, codec=codec)


def test_a_picture_that_starts_late_is_time_zero(tmp_path: Path) -> None:
    sound = noise(2.0)
    source = make_video(
        tmp_path / "late.mkv", frames=40, start_seconds=Fraction(3, 10), sound=sound, sound_codec="flac"
    )
    clip, _ = clip_of(source, 400, 1200)
    assert numbers_of(clip) == list(range(10, 30))
    first = (300 + 400) * 48
    np.testing.assert_array_equal(samples_of(clip), sound[first : first + 800 * 48])


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "aac"), ("mov", "pcm_s16le")])
def test_an_edit_list_that_cuts_the_beginning(tmp_path: Path, suffix: str, codec: str) -> None:
    """What a phone or `ffmpeg -ss` leaves behind: frames and samples that are in the file but never played."""
    sound = noise(2.4)
    whole = make_video(tmp_path / f"whole.{suffix}", frames=60, sound=sound, sound_codec=codec)
    source = remux(whole, tmp_path / f"edited.{suffix}", "-ss", "0.48")
    for start in (0, 400):
        clip, _ = clip_of(source, start, start + 800)
        assert numbers_of(clip) == list(range(12 + start // 40, 32 + start // 40))
        assert_heard(clip, sound[480 * 48 :], start, start + 800, codec=codec)


@pytest.mark.parametrize(
    ("degrees", "turns", "codec"), [("90", 1, "pcm_s16le"), ("180", 2, "pcm_s16le"), ("270", 3, "aac")]
)
def test_rotation_is_applied_to_the_picture_and_nothing_to_the_sound(
    tmp_path: Path, degrees: str, turns: int, codec: str
) -> None:
    sound = noise(1.2)
    plain = make_video(tmp_path / "plain.mov", frames=30, sound=sound, sound_codec=codec)
    source = remux(plain, tmp_path / "turned.mov", "-display_rotation", degrees)
    clip, facts = clip_of(source, 400, 800)
    pixels = np.concatenate([frames.pixels for frames in decode_frames(clip)])
    assert (facts.width_px, facts.height_px) == ((96, 160) if turns % 2 else (160, 96))
    # ffmpeg's option turns counterclockwise as numpy does: turned back, the numbers can be read again.
    assert [number_of(np.rot90(picture, -turns)) for picture in pixels] == list(range(10, 20))
    assert_heard(clip, sound, 400, 800, codec=codec)


def test_a_mirrored_picture_is_mirrored_back(tmp_path: Path) -> None:
    plain = make_video(tmp_path / "plain.mp4", frames=30)
    clip, _ = clip_of(remux(plain, tmp_path / "flipped.mp4", "-display_hflip"), 0, 400)
    pixels = np.concatenate([frames.pixels for frames in decode_frames(clip)])
    assert [number_of(picture[:, ::-1]) for picture in pixels] == list(range(10))


def test_odd_sides_lose_a_column_and_a_row(tmp_path: Path) -> None:
    source = make_video(
        tmp_path / "odd.mp4", frames=10, size_px=(161, 97), pixel_format="yuv444p", options={"preset": "ultrafast"}
    )
    clip, facts = clip_of(source, 0, 400)
    assert (facts.width_px, facts.height_px) == (160, 96)
    assert numbers_of(clip) == list(range(10))


def test_wide_pixels_become_square(tmp_path: Path) -> None:
    plain = make_video(tmp_path / "plain.mp4", frames=10)
    source = remux(plain, tmp_path / "wide.mp4", after=["-bsf:v", "h264_metadata=sample_aspect_ratio=4/3"])
    clip, facts = clip_of(source, 0, 400)
    assert (facts.width_px, facts.height_px) == (212, 96)
    assert numbers_of(clip) == list(range(10))


@pytest.mark.parametrize(
    ("name", "codec", "channels"),
    [("p.mov", "pcm_s16le", 2), ("p.mkv", "pcm_s16le", 1), ("f.mkv", "flac", 2), ("p.avi", "pcm_s16le", 1)],
)
def test_sound_of_48_khz_is_kept_bit_by_bit(tmp_path: Path, name: str, codec: str, channels: int) -> None:
    sound = noise(3.0, channels=channels)
    source = make_video(tmp_path / name, frames=75, sound=sound, sound_codec=codec)
    for start, stop in ((0, 1000), (1640, 2640)):
        clip, facts = clip_of(source, start, stop)
        assert (facts.samples, facts.channels) == ((stop - start) * 48, channels)
        np.testing.assert_array_equal(samples_of(clip), sound[start * 48 : stop * 48])


@pytest.mark.parametrize("rate_hz", [44_100, 16_000])
def test_other_rates_join_without_a_seam(tmp_path: Path, rate_hz: int) -> None:
    clicks = np.zeros((3 * rate_hz, 1), np.int16)
    clicks[[rate_hz // 2, 2 * rate_hz]] = 20_000
    source = make_video(
        tmp_path / "r.mkv",
        frames=75,
        sound=clicks + noise(3.0, rate_hz=rate_hz) // 8,
        sound_codec="flac",
        sound_hz=rate_hz,
    )
    whole, left, right = (samples_of(clip_of(source, *span)[0]) for span in ((0, 2400), (0, 1160), (1160, 2400)))
    np.testing.assert_array_equal(np.concatenate([left, right]), whole)
    assert np.argmax(np.abs(whole[:48_000])) == 24_000
    assert np.argmax(np.abs(whole[72_000:])) + 72_000 == 96_000


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "aac"), ("a.ts", "aac"), ("o.webm", "libopus"), ("m.avi", "mp3")]
)
def test_compressed_sound_is_where_a_full_decode_has_it(tmp_path: Path, name: str, codec: str) -> None:
    """Seeking must not move it: a late segment equals that part of one that begins at 0."""
    picture = "libvpx" if name.endswith("webm") else "libx264"
    source = make_video(tmp_path / name, frames=100, codec=picture, sound=noise(4.0), sound_codec=codec)
    whole = samples_of(clip_of(source, 0, 3800)[0]).astype(float)[:, 0]
    late = samples_of(clip_of(source, 2440, 3640)[0]).astype(float)[:, 0]
    lags = range(-60, 61)
    errors = [np.abs(whole[2440 * 48 + lag :][: len(late)] - late).mean() for lag in lags]
    assert lags[int(np.argmin(errors))] == 0
    assert min(errors) < 0.05 * np.abs(late).mean()


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "aac"), ("o.webm", "libopus")])
def test_compressed_sound_is_in_step_with_the_picture(tmp_path: Path, name: str, codec: str) -> None:
    picture = "libvpx" if name.endswith("webm") else "libx264"
    sound = noise(3.0)
    source = make_video(tmp_path / name, frames=75, codec=picture, sound=sound, sound_codec=codec)
    lag = lag_samples(samples_of(clip_of(source, 1000, 2000)[0]), sound, 48_000)
    assert abs(lag) <= (24 if name.endswith(("mkv", "webm")) else 0)  # they round to 1 ms


@pytest.mark.parametrize(
    ("name", "codec", "ticks_a_second", "early"),
    [
        ("late.mp4", "aac", 48_000, 0),
        ("late.mov", "pcm_s16le", 48_000, 0),
        ("late.mp4", "aac", 1000, 41),
        ("late.mov", "pcm_s16le", 1000, 9),
    ],
)
def test_sound_that_starts_late_is_where_the_file_says(
    tmp_path: Path, name: str, codec: str, ticks_a_second: int, early: int
) -> None:
    """To the sample, where the file can say it.

    The one exception is made before us. An mp4 or mov gives the start of a track in ticks of its movie, which ffmpeg's
    muxer has at 1000 a second unless told, and it drops what is left: 12,345 samples are 257.19 ms and become 257; AAC
    begins 1024 samples earlier, at 235.85 ms, and becomes 235. Told of 48,000 ticks, it loses nothing.
    """
    sound = noise(2.0)
    source = make_video(tmp_path / name, frames=75, sound=sound, sound_codec=codec, sound_start=12_345,
                        container_options={"movie_timescale": str(ticks_a_second)})  # fmt: skip
    for start in (400, 1000):
        clip, _ = clip_of(source, start, start + 800)
        assert lag_samples(samples_of(clip), sound, start * 48 - 12_345) == early


def test_sound_that_starts_late_and_ends_early_is_padded(tmp_path: Path) -> None:
    sound = noise(1.0)
    source = make_video(tmp_path / "gap.mov", frames=75, sound=sound, sound_codec="pcm_s16le", sound_start=24_000)
    clip, facts = clip_of(source, 0, 2000)
    got = samples_of(clip)
    assert facts.samples == len(got) == 96_000
    assert not got[:24_000].any()
    np.testing.assert_array_equal(got[24_000:72_000], sound)
    assert not got[72_000:].any()
    beyond, facts = clip_of(source, 2000, 3000)
    assert facts.samples == 48_000
    assert not samples_of(beyond).any()


def test_more_channels_become_stereo_and_none_stay_none(tmp_path: Path) -> None:
    surround = make_video(tmp_path / "six.mkv", frames=25, sound=noise(1.0, channels=6), sound_codec="flac")
    assert clip_of(surround, 0, 1000)[1].channels == 2
    mute = make_video(tmp_path / "mute.mp4", frames=25)
    facts = clip_of(mute, 0, 1000)[1]
    assert (facts.frames, facts.samples, facts.channels) == (25, 0, 0)


@pytest.mark.parametrize("channels", [2, 6])
def test_a_mix_of_channels_stays_within_full_scale(tmp_path: Path, channels: int) -> None:
    """All of 5.1 together would be 2.4 times as loud as one: FFmpeg's own mix for integers is scaled by that."""
    wave = np.rint(0.7 * 32767 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)).astype(np.int16)
    sound = np.stack([wave] * channels, axis=1)
    source = make_video(tmp_path / "many.mkv", frames=25, sound=sound, sound_codec="flac")
    segment = Segment("many", 0, 1000)
    cut(source, segment, tmp_path / "clip.mp4", Limits())
    found = samples_of(tmp_path / "clip.mp4").astype(int)
    assert np.abs(found - np.stack([wave, wave], axis=1)).max() <= 1


def test_the_same_segment_gives_the_same_bytes(tmp_path: Path) -> None:
    source = make_video(tmp_path / "same.mp4", frames=50, sound=noise(2.0))
    segment = Segment("same", 480, 1480)
    digests = set()
    for name in ("one.mp4", "another-name.mp4"):
        cut(source, segment, tmp_path / name, LIMITS)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_segment_beyond_the_end_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    source = make_video(tmp_path / "short.mp4", frames=50)
    assert clip_of(source, 1000, 2000)[1].frames == 25
    with pytest.raises(MediaError, match="COUNT_MISMATCH") as caught:
        cut(source, Segment("short", 1000, 3000), tmp_path / "long.mp4", LIMITS)
    assert caught.value.value == "25 frames, 0 samples"
    assert not (tmp_path / "long.mp4").exists()


def test_packet_n_is_frame_n_and_each_second_has_a_key_frame(tmp_path: Path) -> None:
    import av

    clip, _ = clip_of(make_video(tmp_path / "keys.mp4", frames=60), 0, 2400)
    with av.open(str(clip)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert [packet.pts * packet.time_base for packet in packets] == [Fraction(n, 25) for n in range(60)]
        assert [n for n, packet in enumerate(packets) if packet.is_keyframe][:2] == [0, 25]
        assert container.streams.video[0].average_rate == 25
