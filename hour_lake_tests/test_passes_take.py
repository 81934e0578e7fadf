"""What `try` is given is what a run gets: any video on the grid of its clip, any sound at the level of its file."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from hour_lake.errors import HourLakeError
from hour_lake.identity import Segment
from hour_lake.media.clock import first_tick
from hour_lake.media.cut import cut
from hour_lake.media.extent import extent_of
from hour_lake.media.laid import laid_on_grid
from hour_lake.media.ready import is_clip
from hour_lake.media.scan import scan
from hour_lake.media.sound import extract_audio, read_master, read_samples
from hour_lake.passes import take as take_module
from hour_lake.passes.arrays import Frames, Table
from hour_lake.passes.attempt import try_layer
from hour_lake.passes.declare import Layer
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.registry import load_layers
from hour_lake.passes.run import Run
from hour_lake.passes.tables import to_parquet
from hour_lake.passes.take import NOT_ENCODED, take_of
from hour_lake.settings import Limits
from hour_lake_tests.media_clips import make_video, noise, number_of, numbers_of
from hour_lake_tests.toy_layers import make_wav

LAYERS = load_layers()
LIMITS = Limits()
LOOKING = ("black_frames", "freeze", "luminance", "content_change", "motion")
LISTENING = ("loudness", "clipping", "silence", "mel")
NTSC = Fraction(30_000, 1001)
# A stereo sound that begins half a second late and ends before the picture.
LATE = {"sound": noise(1.2, channels=2), "sound_start": 24_000}
SOURCES = {
    "50 fps": ("a.mp4", {"frames": 100, "rate": 50, **LATE}),
    "29.97 fps": ("a.mp4", {"frames": 61, "rate": NTSC, **LATE}),
    "29.97 fps in whole milliseconds": ("a.mkv", {"frames": 61, "rate": NTSC, "sound_codec": "flac", **LATE}),
    "15 fps": ("a.mp4", {"frames": 30, "rate": 15, **LATE}),
    "25 fps, encoded by others": ("a.mp4", {"frames": 50, **LATE}),
    "one channel": ("a.mkv", {"frames": 50, "rate": 30, "sound_codec": "flac", "sound": noise(1.5)}),
    "44.1 kHz": ("a.mp4", {"frames": 50, "rate": 30, "sound_hz": 44_100, "sound": noise(1.5, rate_hz=44_100)}),
}  # fmt: skip


def made(folder: Path, name: str) -> Path:
    file, parts = SOURCES[name]
    return make_video(folder / file, **parts)


def as_the_pipeline_does(source: Path, folder: Path) -> SegmentMedia:
    """Scanned for its length, cut as one segment, its sound taken apart."""
    segment = Segment("it", 0, first_tick(scan(source, LIMITS).duration_ms))
    clip, samples, master = (folder / f"{segment.id}.{kind}" for kind in ("mp4", "wav", "flac"))
    cut(source, segment, clip, LIMITS)
    extract_audio(clip, samples, master)
    return SegmentMedia(segment.id, clip, samples, master)


def in_the_lake(layer: Layer, table: Table) -> bytes:
    return to_parquet(layer, "it", table)


def run_on(media: SegmentMedia, layer: Layer) -> Table:
    run = Run(LAYERS.with_reads([layer.name]), media, {}, {})
    run.all()
    return run.tables[layer.name]


@pytest.mark.parametrize("name", SOURCES)
def test_a_layer_gives_for_any_video_what_a_run_gives_for_its_clip(name: str, tmp_path: Path) -> None:
    source = made(tmp_path, name)
    media = as_the_pipeline_does(source, tmp_path)
    for layer in (LAYERS[name] for name in (*LOOKING, *LISTENING)):
        tried, wanted = try_layer(layer, source, tmp_path / "a.png"), run_on(media, layer)
        # The same code on the same bytes: no tolerance.
        assert (layer.name, in_the_lake(layer, tried.table)) == (layer.name, in_the_lake(layer, wanted))
        assert tried.note is None


@pytest.mark.parametrize("rate", [25, NTSC, 50, 60], ids=str)
def test_seconds_are_seconds_at_any_rate(rate: Fraction | int, tmp_path: Path) -> None:
    count = round(2 * rate)
    shades = [np.full((64, 96, 3), 0 if k < count / 2 else 120, np.uint8) for k in range(count)]
    source = make_video(tmp_path / "a.mp4", frames=count, rate=rate, size_px=(96, 64), pictures=shades)
    tried = try_layer("black_frames", source, tmp_path / "a.png")
    assert tried.table["is_black"].sum() / 25 == pytest.approx(1, abs=0.04)
    assert tried.duration_seconds == pytest.approx(2, abs=0.041)
    assert tried.table["time_seconds"].tolist() == [k / 25 for k in range(len(tried.rows))]


def test_a_long_video_is_laid_on_the_same_grid_but_not_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = made(tmp_path, "29.97 fps")
    media = as_the_pipeline_does(source, tmp_path)
    monkeypatch.setattr(take_module, "ENCODED_PIXELS", 0)
    taken = take_of(source, is_seen=True, limits=LIMITS)
    shown = np.concatenate([frames.pixels for frames in taken.readers.frames(source)])
    assert media.clip is not None and media.samples is not None and media.master is not None
    assert [number_of(picture) for picture in shown] == numbers_of(media.clip)
    for read, file in ((taken.readers.samples, media.samples), (taken.readers.master, media.master)):
        np.testing.assert_array_equal(read(source)[0].reshape(-1), read_master(file)[0].reshape(-1))
    assert try_layer("luminance", source, tmp_path / "a.png").note == NOT_ENCODED
    assert try_layer("loudness", source, tmp_path / "a.png").note is None
    assert try_layer("luminance", media.clip, tmp_path / "a.png").note is None


def test_sound_over_a_minute_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Part after part, as segments are cut: 0.4 s here, a minute otherwise."""
    monkeypatch.setattr("hour_lake.passes.sound_of.AT_ONCE_MS", 400)
    sound = noise(2, channels=2)
    source = make_video(tmp_path / "a.mkv", frames=60, rate=30, sound=sound, sound_codec="flac")
    readers = take_of(source, is_seen=False, limits=LIMITS).readers
    np.testing.assert_array_equal(readers.master(source)[0], sound / np.float32(32768))
    assert len(readers.samples(source)[0]) == 32_000


@pytest.mark.parametrize("size", [1, 3, 100])
def test_frames_are_laid_in_batches_of_any_size(size: int) -> None:
    def video() -> Iterator[Frames]:
        """15 fps: frame k begins at k / 15 s."""
        for first in range(0, 30, 7):
            index = np.arange(first, min(first + 7, 30))
            pixels = np.broadcast_to(index[:, None, None, None], (len(index), 2, 2, 3)).astype(np.uint8)
            yield Frames(pixels, index / 15, first)

    batches = list(laid_on_grid(video(), frames=52, batch_bytes=12 * size))
    assert {len(batch) for batch in batches[:-1]} <= {size}
    assert np.concatenate([batch.frame_index for batch in batches]).tolist() == list(range(52))
    shown = np.concatenate([batch.pixels[:, 0, 0, 0] for batch in batches])
    assert shown.tolist() == [min(29, (k * 40 + 1) * 15 // 1000) for k in range(52)]


LENGTHS = {
    "a.mp4": {"rate": NTSC}, "a.mkv": {"rate": NTSC}, "a.webm": {"codec": "libvpx"}, "a.ts": {"rate": 50},
    "a.avi": {"codec": "mpeg4", "rate": 30}, "uneven.mkv": {"times_ms": [0, 20, 90, *range(100, 4800, 100)]},
    "late.ts": {"start_seconds": 3}, "one.mp4": {"frames": 1}, "few.mkv": {"frames": 4, "rate": 60},
    "fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "sound goes on.mkv": {"frames": 10, "sound": noise(6), "sound_codec": "flac"},
}  # fmt: skip


@pytest.mark.parametrize("name", LENGTHS)
def test_a_video_is_as_long_as_its_scan_finds(name: str, tmp_path: Path) -> None:
    source = make_video(tmp_path / name, **LENGTHS[name])
    found, proved = extent_of(source, LIMITS), scan(source, LIMITS)
    assert (found.length_ms, found.size_px) == (first_tick(proved.duration_ms), (160, 96))


def test_a_clip_of_a_segment_is_not_cut_again(tmp_path: Path) -> None:
    source = made(tmp_path, "25 fps, encoded by others")
    media = as_the_pipeline_does(source, tmp_path)
    assert media.clip is not None
    renamed = media.clip.rename(tmp_path / "clip.mp4")
    assert (is_clip(renamed, LIMITS), is_clip(source, LIMITS)) == (True, False)
    media = SegmentMedia(media.segment_id, renamed, media.samples, media.master)
    for name in ("luminance", "clipping"):
        tried, wanted = try_layer(name, renamed, tmp_path / "a.png"), run_on(media, LAYERS[name])
        assert in_the_lake(tried.layer, tried.table) == in_the_lake(tried.layer, wanted)


def test_a_video_is_cut_once_however_often_it_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips: list[Path] = []

    def counted(source: Path, segment: Segment, destination: Path, limits: Limits) -> None:
        clips.append(destination)
        cut(source, segment, destination, limits)

    monkeypatch.setattr(take_module, "cut", counted)
    source = made(tmp_path, "50 fps")
    for name in ("luminance", "freeze", "loudness"):
        try_layer(name, source, tmp_path / "a.png")
    assert len(clips) == 1 and clips[0].exists()
    make_video(source, frames=30, rate=30)
    assert len(try_layer("luminance", source, tmp_path / "a.png").rows) == 25
    assert len(clips) == 2 and not clips[0].parent.exists()


def tone(channels: int, seconds: float = 2.0) -> NDArray[np.float64]:
    wave = 0.8 * np.sin(2 * np.pi * 440 * np.arange(round(48_000 * seconds)) / 48_000)
    return np.stack([wave] * channels, axis=1)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["wav", "flac", "mkv"])
def test_a_sound_keeps_its_level_and_its_channels(channels: int, kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{kind}"
    pcm = np.rint(tone(channels) * 32768).astype(np.int16)
    if kind == "mkv":
        make_video(file, frames=50, sound=pcm, sound_codec="flac")
    else:
        soundfile.write(file, pcm, 48_000)
    readers = take_of(file, is_seen=False, limits=LIMITS).readers
    master, samples = readers.master(file)[0], readers.samples(file)[0]
    np.testing.assert_array_equal(master, pcm / np.float32(32768))
    assert np.abs(samples).max() == pytest.approx(0.8, abs=0.001) and samples.shape == (32_000,)


def test_the_files_of_a_segment_are_heard_as_they_are(tmp_path: Path) -> None:
    media = as_the_pipeline_does(made(tmp_path, "50 fps"), tmp_path)
    assert media.samples is not None and media.master is not None
    samples = take_of(media.samples, is_seen=False, limits=LIMITS).readers.samples(media.samples)[0]
    np.testing.assert_array_equal(samples, read_samples(media.samples)[0])
    taken = take_of(media.master, is_seen=False, limits=LIMITS)
    np.testing.assert_array_equal(taken.readers.master(media.master)[0], read_master(media.master)[0])
    np.testing.assert_array_equal(taken.readers.samples(media.master)[0], read_samples(media.samples)[0])
    assert taken.duration_seconds == 2


def test_a_sound_is_not_looked_at(tmp_path: Path) -> None:
    wav = make_wav(tmp_path / "a.wav", samples=16_000)
    with pytest.raises(HourLakeError) as caught:
        try_layer("luminance", wav, tmp_path / "a.png")
    assert caught.value.code == "NO_VIDEO"
    assert try_layer("silence", wav, tmp_path / "a.png").duration_seconds == 1
