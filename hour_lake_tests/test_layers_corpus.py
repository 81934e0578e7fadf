"""Layers over the whole corpus: who is who and what is a copy, on material whose truth is known."""

from pathlib import Path
from typing import Any

import cv2
import ffmpeg
import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from hour_lake.layers import Samples, Table
from hour_lake.layers._clusters import clusters
from hour_lake.layers._copies import COMMON, pairs_of
from hour_lake.layers._groups import connected, named
from hour_lake.layers._sound_match import Sound
from hour_lake.layers.duplicates import duplicates
from hour_lake.layers.people import people
from hour_lake.layers.picture_hash import picture_hash
from hour_lake.layers.sound_hash import sound_hash
from hour_lake.media.tools import ffmpeg_path
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.registry import load_layers
from hour_lake.passes.run import run_pass
from hour_lake.passes.tables import from_parquet
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import frames_of


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.data())
@settings(deadline=None, max_examples=60)
def test_near_vectors_are_one_group_in_any_order(count: int, seed: int, data: st.DataObject) -> None:
    chosen = np.random.default_rng(seed)
    middles = 3.0 * np.eye(8)[:count]  # 4.2 apart
    truth = np.sort(chosen.integers(0, count, 40))
    vectors = middles[truth] + chosen.normal(0, 0.02, (40, 8))
    order = data.draw(st.permutations(range(40)))
    found = clusters(vectors[order], within=0.5)
    assert [np.flatnonzero(found == g).tolist() for g in np.unique(found)] == sorted(
        (np.flatnonzero(truth[order] == g).tolist() for g in np.unique(truth)), key=lambda members: members[0]
    )


def test_a_chain_that_grew_two_groups_is_one_in_the_end() -> None:
    line = np.linspace(0, 1, 30)[:, None]
    walked_inwards = np.concatenate([line[:10], line[20:], line[10:20]])
    assert set(clusters(line, within=2.0)) == {0} == set(clusters(walked_inwards, within=2.0))
    assert not len(clusters(np.zeros((0, 4)), within=1.0))


def test_a_group_has_the_name_of_its_first_member_and_keeps_it() -> None:
    assert named(np.array([0, 1, 0]), ["b", "c", "a"])[0] == ["a", "c", "a"]
    names, sizes = named(np.array([0, 1, 0, 0]), ["b", "c", "a", "d"])
    assert names == ["a", "c", "a", "a"] and sizes.tolist() == [3, 1, 3, 3]


def test_people_are_told_apart_and_who_has_no_face_is_nobody() -> None:
    chosen = np.random.default_rng(4)
    faces = np.repeat(chosen.normal(0, 0.15, (3, 128)), 5, axis=0)  # some 2.4 apart
    looks = faces + chosen.normal(0, 0.015, faces.shape)  # 0.17 from their mean
    looks[7] = np.nan
    ids = np.array([f"v_{k:08d}_{k + 1:08d}" for k in range(15)], object)
    found = people({"segment_id": ids, "embedding": looks.astype(np.float32)})
    assert len(found["segment_id"]) == 14 and ids[7] not in found["segment_id"]
    assert sorted(set(found["person"])) == [ids[0], ids[5], ids[10]]
    assert sorted(set(zip(found["person"], found["segments"].tolist(), strict=True))) == [
        (ids[0], 5), (ids[5], 4), (ids[10], 5)]  # fmt: skip
    assert found["distance"].max() < 0.3
    nobody = people({"segment_id": ids[:1], "embedding": np.full((1, 128), np.nan)})
    assert not len(nobody["segment_id"]) and not len(nobody["person"])


def portrait(seed: int) -> np.ndarray:
    """A smooth coloured picture, 320 x 180."""
    noise = np.random.default_rng(seed).integers(0, 255, (9, 16, 3)).astype(np.uint8)
    return cv2.resize(noise, (320, 180), interpolation=cv2.INTER_CUBIC)


def bits(one: Any, other: Any) -> int:
    return int(np.bitwise_count((np.asarray(one) ^ np.asarray(other)).astype(np.int64).view(np.uint64)).sum())


def test_the_hash_of_a_picture_is_that_of_its_definition_and_stays_under_what_copying_does(accuracy: Accuracy) -> None:
    picture = portrait(1)
    (own,) = picture_hash(frames_of(picture))["hash"]
    luma = cv2.resize(cv2.cvtColor(cv2.resize(picture, (160, 90), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY),
                      (32, 32), interpolation=cv2.INTER_AREA)  # fmt: skip
    lowest = scipy.fft.dctn(luma.astype(float), norm="ortho")[:8, :8].ravel()
    expected = [False, *(lowest[1:] > np.median(lowest[1:]))]
    off = bits(own, np.packbits(expected).view(">i8")[0])
    accuracy("picture_hash", "bits off its definition", off, below=0, against="SciPy's cosine transform")
    darker = (picture * 0.7).astype(np.uint8)
    coarse = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], cv2.IMREAD_COLOR)
    small = cv2.resize(picture, (200, 112), interpolation=cv2.INTER_AREA)
    most = max(bits(own, picture_hash(frames_of(copy))["hash"][0]) for copy in (darker, coarse, small))
    accuracy("picture_hash", "wrong bits of a copy, of 64", most, below=6, against="darker, JPEG at 20, scaled")
    others = [picture_hash(frames_of(portrait(seed)))["hash"][0] for seed in range(2, 12)]
    least = min(bits(own, other) for other in others)
    accuracy("picture_hash", "bits between two pictures, of 64", least, above=16, against="ten other pictures")


def chirps(seed: int, seconds: float = 8.0) -> np.ndarray:
    """Sound that changes all the time: syllables of three partials each, and a room."""
    chosen = np.random.default_rng(seed)
    at = np.arange(int(seconds * 16_000)) / 16_000
    value = chosen.normal(0, 0.05, len(at))
    for start in np.arange(0, seconds, 0.2):
        inside = np.exp(-(((at - start) / 0.08) ** 2))
        value += sum(inside * np.sin(2 * np.pi * hz * at) for hz in chosen.uniform(300, 2000, 3))
    return (0.2 * value).astype(np.float32)


def heard(values: np.ndarray) -> Table:
    return sound_hash(Samples(values.astype(np.float32), 16_000))


def wrong(one: Table, other: Table, shift: int) -> float:
    size = min(len(one["hashes"]), len(other["hashes"]) - shift)
    return bits(one["hashes"][:size].astype(np.int64) & 0xFFFFFFFF,
                other["hashes"][shift : shift + size].astype(np.int64) & 0xFFFFFFFF) / 32 / size  # fmt: skip


def test_the_hash_of_a_sound_stays_whatever_its_level_noise_and_begin(accuracy: Accuracy) -> None:
    values = chirps(1)
    own = heard(values)
    assert len(own["hashes"]) == (len(values) - 5920) // 512 and own["is_heard"].all()
    quiet_and_noisy = 0.25 * values + np.random.default_rng(2).normal(0, 0.0005, len(values))
    accuracy("sound_hash", "wrong bits of a quiet, noisy copy", wrong(heard(quiet_and_noisy), own, 0), below=0.1,
             against="syllables made here")  # fmt: skip
    beside = wrong(heard(values[10 * 512 + 256 :]), own, 10)
    accuracy("sound_hash", "wrong bits half a step beside", beside, below=0.2, against="syllables made here")
    other = wrong(heard(chirps(3)), own, 0)
    assert other < 0.6  # by chance
    accuracy("sound_hash", "wrong bits of another sound", other, above=0.4, against="syllables made here")
    assert not len(heard(values[:5000])["hashes"]) and not heard(np.zeros(16_000))["is_heard"].any()


def test_sounds_are_found_by_what_they_share_at_any_offset() -> None:
    values = [chirps(1), chirps(2), chirps(1)[30 * 512 :], chirps(3)]
    tables = [heard(v) for v in values]
    sound = Sound.of({"segment_id": np.array(list("abcd"), object), "hashes": [t["hashes"] for t in tables],
                      "is_heard": [t["is_heard"] for t in tables]})  # fmt: skip
    (pair,) = pairs_of(sound, most_bit_errors=0.35, least_overlap_seconds=3.0)
    assert (pair.one, pair.other, pair.shift) == (0, 2, -30)
    assert pair.bit_error_share < 0.01 and pair.overlap_seconds == pytest.approx(8 - 30 * 0.032 - 0.4, abs=0.1)
    assert not list(pairs_of(sound, most_bit_errors=0.35, least_overlap_seconds=10.0))
    assert connected(5, [(3, 4), (4, 1)]).tolist() == [0, 1, 2, 1, 1]


def test_a_sound_that_came_very_often_is_one_group() -> None:
    """More rows have its hashes than are compared each with each: neighbours hold the group together."""
    own, other, times = heard(chirps(1)), heard(chirps(2)), COMMON + 8
    tables = [other, *[own] * times]
    sound = Sound.of(
        {
            "segment_id": np.array([f"s{k:02d}" for k in range(times + 1)], object),
            "hashes": [t["hashes"] for t in tables],
            "is_heard": [t["is_heard"] for t in tables],
        }
    )
    pairs = [(p.one, p.other) for p in pairs_of(sound, most_bit_errors=0.35, least_overlap_seconds=3.0)]
    assert set(connected(times + 1, pairs)[1:]) == {1} and connected(times + 1, pairs)[0] == 0


def tables_of(layers: Any, clips: dict[str, Path], folder: Path) -> list[Table]:
    """`sound_hash` and `picture_hash` of these clips as a layer over the corpus gets them."""
    found: dict[str, list[tuple[str, Table]]] = {"sound_hash": [], "picture_hash": []}
    for name, clip in sorted(clips.items()):
        sound = folder / f"{name}.wav"
        ffmpeg.input(str(clip)).output(str(sound), ac=1, ar=16_000).run(cmd=str(ffmpeg_path()), quiet=True)
        made = run_pass([layers[n] for n in found], SegmentMedia(name, clip, sound, sound), {}, {})
        for table in found:
            found[table].append((name, from_parquet(made[table].data)))
    return [_joined(parts) for parts in found.values()]


def _joined(parts: list[tuple[str, Table]]) -> Table:
    first = parts[0][1]
    ids = np.array([name for name, table in parts for _ in range(len(next(iter(table.values()))))], object)
    return {"segment_id": ids, **{c: np.concatenate([table[c] for _, table in parts]) for c in first}}


def test_a_video_that_was_cut_scaled_and_compressed_again_is_a_copy_and_its_neighbour_is_not(
    corpus: Path, tmp_path: Path, accuracy: Accuracy
) -> None:
    source = corpus / "hopper-webcam.mkv"

    def clip(name: str, start: float, **more: Any) -> Path:
        target = tmp_path / f"{name}.mp4"
        made = ffmpeg.input(str(source), ss=start, t=8.0).output(str(target), **{"r": 25, **more})
        made.run(cmd=str(ffmpeg_path()), quiet=True)
        return target

    clips = {
        "first": clip("first", 0.4), "second": clip("second", 9.0), "third": clip("third", 21.5),
        "again": clip("again", 1.13, crf=35, vf="scale=iw/2:-2", af="volume=0.5", **{"b:a": "48k"}),
    }  # fmt: skip
    found = duplicates(*tables_of(load_layers(), clips, tmp_path))
    at = {name: k for k, name in enumerate(found["segment_id"])}
    original = {name: found["original"][k] for name, k in at.items()}
    assert original == {"again": "again", "first": "again", "second": "second", "third": "third"}
    assert found["is_copy"][at["first"]] and found["copies"].tolist() == [1, 1, 0, 0]
    accuracy("duplicates", "wrong bits of a copy (scaled, crf 35, 48 kbit/s, shifted)",
             float(found["bit_error_share"][at["first"]]), below=0.35, against="re-encoded corpus video")  # fmt: skip
    assert found["picture_bits"][at["first"]] <= 10 and found["overlap_seconds"][at["first"]] > 5
