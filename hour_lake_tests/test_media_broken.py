"""Broken and foreign files give their code; a good file beside them is scanned all the same."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hour_lake.errors import HourLakeError, MediaError
from hour_lake.media.scan import scan
from hour_lake.media.sniff import sniff
from hour_lake.settings import Limits
from hour_lake_tests.media_clips import X264, make_video, noise, numbered, remux

LIMITS = Limits()
FRAMES = 60
KINDS = {
    "plain.mp4": ("libx264", "aac", {}),
    "fast.mp4": ("libx264", "aac", {"movflags": "+faststart"}),
    "h264.mkv": ("libx264", "aac", {}),
    "live.mkv": ("libx264", "aac", {"live": "1"}),
    "vp9.webm": ("libvpx-vp9", "libopus", {}),
    "h264.ts": ("libx264", "aac", {}),
    "h264.avi": ("libx264", "mp3", {}),
    "mpeg4.avi": ("mpeg4", "mp3", {}),
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("whole")
    return {
        name: make_video(
            folder / name, frames=FRAMES, codec=codec, sound=noise(2.4), sound_codec=sound, container_options=options
        )
        for name, (codec, sound, options) in KINDS.items()
    }


def code_of(path: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(HourLakeError) as caught:
        scan(path, limits)
    assert caught.value.where == str(path)
    return caught.value.code


def assert_good(path: Path) -> None:
    assert scan(path, LIMITS).facts.frames == FRAMES


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("name", list(KINDS))
def test_a_missing_end_is_found(tmp_path: Path, videos: dict[str, Path], name: str, share: float) -> None:
    data = videos[name].read_bytes()
    cut_off = tmp_path / name
    cut_off.write_bytes(data[: int(len(data) * share)])
    assert code_of(cut_off) == "TRUNCATED"


@pytest.mark.parametrize("name", list(KINDS))
def test_the_whole_file_beside_it_is_good(videos: dict[str, Path], name: str) -> None:
    assert_good(videos[name])


def test_a_transport_stream_cut_between_packets(tmp_path: Path, videos: dict[str, Path]) -> None:
    """Its size proves nothing then; a torn frame at the end does."""
    data = videos["h264.ts"].read_bytes()
    packets = len(data) // 188
    torn = tmp_path / "torn.ts"
    codes = set[str]()
    for count in range(packets // 2, packets // 2 + 12):
        torn.write_bytes(data[: count * 188])
        try:
            scan(torn, LIMITS)
        except MediaError as error:
            codes.add(error.code)
    assert codes == {"TRUNCATED"}


def flipped(data: bytes, seed: int, count: int = 40) -> bytes:
    """The same with some bits of the middle fifth the other way round."""
    rng, out = random.Random(seed), bytearray(data)
    for _ in range(count):
        out[rng.randrange(len(out) * 2 // 5, len(out) * 3 // 5)] ^= 1 << rng.randrange(8)
    return bytes(out)


@pytest.mark.parametrize("name", ["plain.mp4", "fast.mp4", "h264.mkv", "h264.ts", "h264.avi", "mpeg4.avi"])
def test_flipped_bits_are_found_with_the_count_of_frames(tmp_path: Path, videos: dict[str, Path], name: str) -> None:
    damaged = tmp_path / name
    damaged.write_bytes(flipped(videos[name].read_bytes(), seed=3))
    with pytest.raises(MediaError, match="CORRUPT") as caught:
        scan(damaged, LIMITS)
    frames, of, total = (caught.value.value or "").split()[:3]
    assert of == "of"
    assert 0 < int(frames) <= int(total)
    assert int(total) >= FRAMES - 3
    assert_good(videos[name])


def test_one_flipped_bit_in_matroska_is_found_by_its_checksum(tmp_path: Path, videos: dict[str, Path]) -> None:
    data = videos["h264.mkv"].read_bytes()
    damaged = tmp_path / "one.mkv"
    for seed in range(5):
        damaged.write_bytes(flipped(data, seed, count=1))
        assert code_of(damaged) == "CORRUPT"


FOREIGN: list[tuple[str, bytes, str]] = [
    ("empty", b"", "SOURCE_EMPTY"),
    ("text", b"this is not a video\n" * 50, "NOT_MEDIA"),
    ("html", b"<!DOCTYPE html><html><body>404</body></html>", "NOT_MEDIA"),
    ("zip", b"PK\x03\x04" + bytes(200), "NOT_MEDIA"),
    ("elf", b"\x7fELF\x02\x01\x01" + bytes(200), "NOT_MEDIA"),
    ("zeros", bytes(5000), "NOT_MEDIA"),
    ("hls", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n", "FORMAT_REFUSED"),
    ("hls-bom", b"\xef\xbb\xbf\n#EXTM3U\nfile:///etc/passwd\n", "FORMAT_REFUSED"),
    ("dash", b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>', "FORMAT_REFUSED"),
    ("concat", b"ffconcat version 1.0\nfile /etc/passwd\n", "FORMAT_REFUSED"),
    ("concat-plain", b"file '/etc/passwd'\n", "FORMAT_REFUSED"),
    ("png", b"\x89PNG\r\n\x1a\n" + bytes(100), "FORMAT_REFUSED"),
    ("avif", b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1", "FORMAT_REFUSED"),
    ("flv", b"FLV\x01\x05\x00\x00\x00\x09" + bytes(50), "FORMAT_REFUSED"),
    ("wav", b"RIFF\x24\x08\x00\x00WAVEfmt " + bytes(2000), "NO_VIDEO"),
    ("mp3", b"ID3\x04" + bytes(300), "NO_VIDEO"),
    ("ogg", b"OggS\x00\x02" + bytes(300), "NO_VIDEO"),
    ("only-ftyp", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41", "TRUNCATED"),
    ("avi-unfinished", b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(100), "TRUNCATED"),
    ("garbage-mkv", b"\x1a\x45\xdf\xa3" + bytes(range(1, 200)), "TRUNCATED"),
    ("empty-mkv", b"\x1a\x45\xdf\xa3\x80", "CORRUPT"),
]


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".txt"])
@pytest.mark.parametrize(("name", "data", "code"), FOREIGN, ids=[row[0] for row in FOREIGN])
def test_a_file_is_what_its_bytes_are(tmp_path: Path, name: str, data: bytes, code: str, suffix: str) -> None:
    file = tmp_path / f"{name}{suffix}"
    file.write_bytes(data)
    assert code_of(file) == code


@pytest.mark.parametrize(
    ("name", "container"), [("plain.mp4", "mov"), ("vp9.webm", "matroska"), ("h264.ts", "mpegts"), ("h264.avi", "avi")]
)
def test_a_video_is_known_under_any_name(tmp_path: Path, videos: dict[str, Path], name: str, container: str) -> None:
    other = tmp_path / "concat:a|b.m3u8"
    other.write_bytes(videos[name].read_bytes())
    assert sniff(other) == container
    assert_good(other)


def test_a_missing_file(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nothing.mp4") == "SOURCE_MISSING"
    assert code_of(tmp_path) == "SOURCE_MISSING"


def test_sound_only_in_a_video_container(tmp_path: Path) -> None:
    import av

    song = tmp_path / "song.mp4"
    with av.open(str(song), "w") as out:
        audio = out.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
    assert code_of(song) == "NO_VIDEO"


def test_a_codec_that_is_not_on_the_list(tmp_path: Path, videos: dict[str, Path]) -> None:
    odd = make_video(tmp_path / "magic.avi", frames=5, codec="magicyuv", options={}, pixel_format="yuv420p")
    with pytest.raises(MediaError, match="CODEC_REFUSED") as caught:
        scan(odd, LIMITS)
    assert caught.value.value == "magicyuv"
    assert_good(videos["h264.avi"])


def test_an_encrypted_stream(tmp_path: Path, videos: dict[str, Path]) -> None:
    key = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "00" * 16, "-encryption_kid", "11" * 16]
    locked = remux(videos["plain.mp4"], tmp_path / "locked.mp4", after=key)
    assert code_of(locked) == "ENCRYPTED"


def test_a_picture_of_which_no_frame_can_be_decoded(tmp_path: Path, videos: dict[str, Path]) -> None:
    data = bytearray(videos["fast.mp4"].read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = bytes(len(data) - start)
    empty = tmp_path / "zeros.mp4"
    empty.write_bytes(data)
    assert code_of(empty) == "NO_FRAMES"


LIMITED: list[tuple[str, dict[str, float], str]] = [
    ("bytes", {"max_bytes": 1000}, "LIMIT_BYTES"),
    ("side", {"max_side_px": 100}, "LIMIT_PIXELS"),
    ("pixels", {"max_pixels": 160 * 96 - 1}, "LIMIT_PIXELS"),
    ("decoded", {"max_decoded_pixels": 160 * 96 * (FRAMES - 1)}, "LIMIT_DECODED"),
    ("rate", {"max_frame_rate": 24}, "LIMIT_FPS"),
    ("streams", {"max_streams": 1}, "LIMIT_STREAMS"),
    ("seconds", {"max_seconds": 2.0}, "LIMIT_DURATION"),
]


@pytest.mark.parametrize(("name", "limit", "code"), LIMITED, ids=[row[0] for row in LIMITED])
def test_limits(videos: dict[str, Path], name: str, limit: dict[str, float], code: str) -> None:
    for video in ("plain.mp4", "live.mkv"):
        if code in ("LIMIT_FPS", "LIMIT_BYTES", "LIMIT_PIXELS") or video == "plain.mp4" or name == "streams":
            assert code_of(videos[video], LIMITS.model_copy(update=limit)) == code
    exact = {"max_bytes": 10**6, "max_side_px": 160, "max_pixels": 160 * 96, "max_decoded_pixels": 160 * 96 * FRAMES}
    assert scan(videos["plain.mp4"], LIMITS.model_copy(update=exact)).facts.frames == FRAMES


def test_a_live_recording_is_measured_while_it_is_decoded(videos: dict[str, Path]) -> None:
    """Its header says nothing about its length."""
    budget = LIMITS.model_copy(update={"max_decoded_pixels": 160 * 96 * (FRAMES - 1)})
    assert code_of(videos["live.mkv"], budget) == "LIMIT_DECODED"
    assert code_of(videos["live.mkv"], LIMITS.model_copy(update={"max_seconds": 1.0})) == "LIMIT_DURATION"


def test_a_bomb_is_refused_before_its_frames_are_decoded(tmp_path: Path) -> None:
    wide = make_video(
        tmp_path / "bomb.mp4", frames=2, size_px=(8208, 128), pictures=[numbered(0, (8208, 128))] * 2,
        options={"preset": "ultrafast"},
    )  # fmt: skip
    assert code_of(wide) == "LIMIT_PIXELS"


def test_a_tiny_picture(tmp_path: Path) -> None:
    dot = make_video(tmp_path / "dot.mp4", frames=3, size_px=(8, 8), pictures=[np.zeros((8, 8, 3), np.uint8)] * 3)
    assert code_of(dot) == "UNSUPPORTED_SIZE"


def test_a_size_that_changes_midway(tmp_path: Path) -> None:
    parts = [make_video(tmp_path / f"{side}.ts", frames=25, size_px=(160, side)) for side in (96, 128)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert code_of(joined) == "STREAM_CHANGED"


def test_times_that_jump_back(tmp_path: Path) -> None:
    parts = [make_video(tmp_path / f"{n}.ts", frames=25, start_seconds=n) for n in (30, 2)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert code_of(joined) == "TIMESTAMPS"


def test_sound_that_claims_to_lie_hours_ahead_costs_seconds_at_most(tmp_path: Path) -> None:
    """Silence in between is not measured window by window; beyond the longest video that is taken it is an error."""
    ahead = make_video(
        tmp_path / "ahead.mkv", frames=FRAMES, sound=noise(1.0), sound_codec="flac", sound_start=3 * 3600 * 48_000
    )
    found = scan(ahead, LIMITS)
    assert found.facts.frames == FRAMES
    assert not found.speech_probability.any()
    assert code_of(ahead, LIMITS.model_copy(update={"max_seconds": 3600.0})) == "LIMIT_DURATION"


def test_hdr_and_interlaced_video_is_not_silently_wrong(tmp_path: Path, videos: dict[str, Path]) -> None:
    bright = remux(
        videos["plain.mp4"], tmp_path / "hdr.mp4",
        after=["-bsf:v", "h264_metadata=transfer_characteristics=16:matrix_coefficients=9:colour_primaries=9"],
    )  # fmt: skip
    assert code_of(bright) == "UNSUPPORTED"
    lines = make_video(tmp_path / "lines.mp4", frames=10, options={**X264, "x264-params": "interlaced=1:threads=1"})
    assert code_of(lines) == "UNSUPPORTED"


@pytest.mark.parametrize(
    "make", [lambda n: bytes(n % 256 for n in range(n)), lambda n: b"\x00\x00\x00\x18ftypisom" * n]
)
def test_nothing_else_than_coded_errors_comes_out(tmp_path: Path, make: Callable[[int], bytes]) -> None:
    file = tmp_path / "x.mp4"
    for size in (1, 7, 100, 5000):
        file.write_bytes(make(size))
        assert code_of(file)
