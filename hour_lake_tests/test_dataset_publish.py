"""From a specification to a tagged version and to files: the same bytes each time."""

import io
import json

import pyarrow.parquet as pq
import pytest

from hour_lake.datasets.card import card_text
from hour_lake.datasets.compose import compose
from hour_lake.datasets.publish import compose_and_publish, find_version, pin_spec, publish, read_card
from hour_lake.datasets.pull import pull_dataset
from hour_lake.datasets.spec import parse_spec
from hour_lake.errors import DatasetError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.catalog_corpus import LAYERS, compact_into, fill, put_segment, segments

SPEC = b"""
name: toy
description: Toy faces.
where: luminance.mean >= 60
size: {segments: {min: 4, max: 8}}
objective: {maximise: luminance.mean}
constraints:
  - {name: blinks, where: blink.blinks_per_minute > 0, at_least: {share: 0.5}}
  - {name: video, per: video_id, at_most: {count: 3}}
split: {by: speaker, shares: {train: 0.75, test: 0.25}}
include: [clip, audio, blink]
"""


@pytest.fixture
def lake(tmp_path):
    lake = EmbeddedLake.open(tmp_path / "lake")
    fill(lake)
    return lake


def composed(lake, text=SPEC):
    return compose(lake, parse_spec(text, where="toy.yaml"), ref="main", layers=LAYERS)


def published(lake, text=SPEC):
    pin_spec(lake, "main", text, where="toy.yaml")
    return compose_and_publish(lake, "main", "toy", LAYERS)


def test_an_index_has_files_with_digests_and_a_split_by_group(lake):
    rows = composed(lake).index.to_pylist()
    assert len(rows) == 8 and [row["segment_id"] for row in rows] == sorted(row["segment_id"] for row in rows)
    parts = {(row["speaker"], row["split"]) for row in rows}
    assert len(parts) == 3 and {part for _, part in parts} == {"train", "test"}
    for row in rows:
        assert [file["kind"] for file in row["files"]] == ["clip", "audio", "blink"]
        for file in row["files"]:
            assert lake.entry("main", file["path"]).digest == file["sha256"]


def test_the_document_says_how_it_came_about(lake):
    document = composed(lake).document
    assert document["source"] == {"ref": "main", "commit": lake.resolve("main")}
    assert document["segments"] == 8 and document["seconds"] == 32.0 and document["licences"] == {"CC0-1.0": 8}
    assert document["candidates"] == {"count": 16, "left_out": {}}
    assert [c["name"] for c in document["constraints"]] == [
        "size.segments.min", "size.segments.max", "blinks.at_least", "video"
    ]  # fmt: skip
    assert document["objective"] == {"maximise": "luminance.mean", "value": 880.0}
    assert sum(part["segments"] for part in document["splits"].values()) == 8
    assert document["solver"]["name"].startswith("HiGHS") and document["solver"]["status"] == "optimal"
    text = card_text({**document, "version": 1, "tag": "dataset/toy/v1"})
    assert "CC0-1.0" in text and "blinks.at_least" in text and "toy" in text


def test_the_same_question_gives_the_same_bytes_compacted_or_not(lake):
    first = composed(lake)
    compact_into(lake)
    second = composed(lake)
    assert first.index_bytes == second.index_bytes
    assert {**first.document, "source": 0} == {**second.document, "source": 0}


def test_composing_again_without_a_change_is_the_same_version(lake):
    first = published(lake)
    assert (first.tag, first.is_new, first.segments) == ("dataset/toy/v1", True, 8)
    head = lake.resolve("main")
    again = published(lake)
    assert (again.tag, again.is_new, again.commit_id, again.digest) == (first.tag, False, first.commit_id, first.digest)
    compact_into(lake)
    assert published(lake).number == 1 and lake.resolve(first.tag) == head
    with lake.transaction("main", {}) as tx:
        put_segment(tx, segments("bob", 9)[8], mean=200.0, blinks=[True])
    second = published(lake)
    assert (second.tag, second.is_new) == ("dataset/toy/v2", True)
    assert sorted(lake.tags()) == ["dataset/toy/v1", "dataset/toy/v2"]
    assert read_card(lake, "toy")["version"] == 2 and read_card(lake, "toy@v1")["version"] == 1


def test_a_crash_between_commit_and_tag_is_made_good_by_the_next_run(lake, monkeypatch):
    def crash(name, ref):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(lake, "tag", crash)
        published(lake)
    assert published(lake).tag == "dataset/toy/v1"
    assert published(lake).is_new is False


def test_of_two_that_publish_at_once_the_second_takes_the_next_number(lake, monkeypatch):
    one, other = composed(lake), composed(lake, SPEC.replace(b"max: 8", b"max: 6"))
    publish(lake, "main", one)
    with monkeypatch.context() as stale:
        stale.setattr(lake, "tags", dict)
        assert publish(lake, "main", other).number == 2
    assert read_card(lake, "toy@v1")["segments"] == 8 and read_card(lake, "toy@v2")["segments"] == 6


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_pulling_gives_the_same_bytes_again_whatever_was_written_since(lake, tmp_path):
    version = published(lake)
    pulled = pull_dataset(lake, "toy@v1", tmp_path / "a")
    assert (pulled.files, pulled.written) == (8 * 3 + 2, 26)
    with lake.transaction("main", {}) as tx:
        for entry in list(lake.entries("main", "segments/")):
            tx.put(entry.path, b"another clip")
    pull_dataset(lake, "toy", tmp_path / "b")
    first = contents(tmp_path / "a")
    assert first == contents(tmp_path / "b")
    assert sum(len(data) for name, data in first.items() if not name.startswith(".")) == pulled.bytes
    for row in pq.read_table(io.BytesIO(first["index.parquet"])).to_pylist():
        assert first[f"{row['split']}/clip/{row['segment_id']}.mp4"] == f"clip {row['segment_id']}".encode()
    assert json.loads(first["dataset.json"])["segments"] == version.segments


def test_a_branch_that_moved_on_while_a_dataset_was_solved_does_not_change_it(lake, tmp_path):
    dataset = composed(lake)
    with lake.transaction("main", {}) as tx:
        for entry in list(lake.entries("main", "segments/")):
            tx.put(entry.path, b"another clip")
    publish(lake, "main", dataset)
    assert lake.tags()["dataset/toy/v1/source"] == dataset.commit_id
    pull_dataset(lake, "toy@v1", tmp_path / "a")
    assert b"another clip" not in contents(tmp_path / "a").values()


def test_a_broken_pull_goes_on_and_a_spoilt_file_is_made_good(lake, tmp_path):
    published(lake)
    pull_dataset(lake, "toy@v1", tmp_path / "a")
    whole = contents(tmp_path / "a")
    clips = sorted((tmp_path / "a" / "train" / "clip").iterdir())
    clips[0].unlink()
    clips[1].write_bytes(b"spoilt")
    (tmp_path / "a" / "index.parquet").unlink()
    assert pull_dataset(lake, "toy@v1", tmp_path / "a").written == 3
    assert contents(tmp_path / "a") == whole
    assert pull_dataset(lake, "toy@v1", tmp_path / "a").written == 0


def test_a_folder_of_something_else_is_left_alone(lake, tmp_path):
    published(lake)
    published(lake, SPEC.replace(b"max: 8", b"max: 6"))
    pull_dataset(lake, "toy@v1", tmp_path / "a")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for name, folder in (("toy@v2", "a"), ("toy@v1", "mine")):
        with pytest.raises(DatasetError, match="DATASET_FOLDER"):
            pull_dataset(lake, name, tmp_path / folder)
    assert list(contents(tmp_path / "mine")) == ["notes.txt"]


@pytest.mark.parametrize("name", ["toy@v9", "toy@1", "tox", "toy@", "../toy", ""])
def test_an_unknown_version_lists_those_there_are(lake, name):
    published(lake)
    if name == "toy@":
        assert find_version(lake, name).number == 1
        return
    with pytest.raises(DatasetError, match=r"DATASET_MISSING.*toy@v1"):
        find_version(lake, name)


def test_what_has_no_sound_or_no_objective_is_left_out_and_counted(lake):
    with lake.transaction("main", {}) as tx:
        tx.delete("audio/bob/bob_00004000_00008000.wav")
        tx.delete("layers/blink/ann/ann_00016000_00020000.parquet")
    document = composed(lake).document
    assert document["candidates"] == {"count": 14, "left_out": {"audio": 1, "blink": 1}}


@pytest.mark.parametrize(
    ("old", "new", "code", "word"),
    [
        (b"luminance.mean >= 60", b"luminance.men >= 60", "DATASET_SPEC", "mean"),
        (b"include: [clip", b"include: [mask, clip", "DATASET_SPEC", "mask"),
        (b">= 60", b">= 600", "DATASET_INFEASIBLE", "no candidate"),
        (b"min: 4, max: 8", b"min: 13", "DATASET_INFEASIBLE", "video"),
        (b"by: speaker", b"by: licence", "DATASET_INFEASIBLE", "split"),
    ],
)
def test_what_cannot_be_composed_is_refused_and_nothing_is_published(lake, old, new, code, word):
    assert old in SPEC
    with pytest.raises(DatasetError) as caught:
        published(lake, SPEC.replace(old, new))
    assert caught.value.code == code and word in str(caught.value)
    assert lake.tags() == {}
    assert published(lake).number == 1


def test_a_specification_that_nobody_pinned(lake):
    with pytest.raises(DatasetError, match="DATASET_MISSING"):
        compose_and_publish(lake, "main", "toy", LAYERS)
    assert published(lake).number == 1


@pytest.mark.parametrize(
    ("objective", "size", "value"),
    [
        (b"{maximise: size}", b"{seconds: {max: 22}}", 20.0),
        (b"{minimise: size}", b"{seconds: {min: 22}}", 24.0),
        (b"{minimise: size}", b"{segments: {min: 4}}", 4.0),
        (b"{minimise: luminance.mean}", b"{segments: {min: 4}}", 240.0),
    ],
)
def test_the_objective_is_told_in_the_units_of_the_specification(lake, objective, size, value):
    text = SPEC.replace(b"{maximise: luminance.mean}", objective).replace(b"{segments: {min: 4, max: 8}}", size)
    assert composed(lake, text).document["objective"]["value"] == value
