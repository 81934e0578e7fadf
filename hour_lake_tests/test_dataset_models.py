"""The card of a dataset names the models that made the rows of its segments, whatever the settings say by then."""

import pytest

from hour_lake.datasets.card import card_text
from hour_lake.datasets.compose import compose
from hour_lake.datasets.spec import parse_spec
from hour_lake.identity import parse_segment_id
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.ledger.recipe import recipe, step_parts, stored
from hour_lake.models.store import digest
from hour_lake.passes.declare import layer
from hour_lake_tests.catalog_corpus import LAYERS, fill, layer_rows

SPEC = b"""
name: toy
where: luminance.mean > 0
size: {segments: {min: 4, max: 4}}
objective: {minimise: luminance.mean}
"""
PROVIDERS = {"mediapipe": ("blazeface",), "insightface": ("insightface_det_10g",)}


@layer(reads="frames", columns={"count": "int32"}, providers=PROVIDERS)
def faces(frames, *, provider: str = "mediapipe"):
    """Faces."""


@layer(reads="samples", columns={"word": "string"}, models=("whisper_tiny_en",))
def words(samples):
    """Words; never made here."""


@layer(reads="faces", rows="corpus", columns={"person": "int32"}, models=("dlib_face",))
def persons(faces):
    """Persons."""


EVERY = {**LAYERS, "faces": faces, "words": words, "persons": persons}


def fingerprint(*models: str, weights: str | None = None, **config: str) -> dict[str, str]:
    known = {name: weights or digest(name) for name in models}
    return stored(recipe(step_parts(source={"a": "1"}, config=config, models=known), {"frames": "2"}))


@pytest.fixture
def lake(tmp_path):
    """The four darkest segments are chosen; the faces of one of them, and of all others, are by another provider."""
    lake = EmbeddedLake.open(tmp_path / "lake")
    made = fill(lake)
    ours = fingerprint("blazeface", provider="mediapipe")
    theirs = fingerprint("insightface_det_10g", provider="insightface")
    with lake.transaction("main", {}) as tx:
        for segment in made:
            dark = segment.start_ms == 0
            metadata = ours if dark and segment.video_id != "bob" else theirs
            tx.put(f"layers/faces/{segment.video_id}/{segment.id}.parquet", layer_rows(segment, count=[1]), metadata)
            if dark:
                tx.put(f"layers/persons/{segment.video_id}/{segment.id}.parquet", layer_rows(segment, person=[1]))
        tx.put("corpus/persons.json", b"{}", fingerprint("dlib_face", weights="0" * 64))
    return lake


def composed(lake):
    return compose(lake, parse_spec(SPEC, where="toy.yaml"), ref="main", layers=EVERY)


def test_only_models_that_made_rows_of_the_chosen_segments_are_named(lake):
    dataset = composed(lake)
    assert {parse_segment_id(row["segment_id"]).start_ms for row in dataset.index.to_pylist()} == {0}
    models = dataset.document["models"]
    assert list(models) == ["faces", "persons"]
    assert [(one["name"], one["provider"], one["segments"]) for one in models["faces"]] == [
        ("blazeface", "mediapipe", 3), ("insightface_det_10g", "insightface", 1),
    ]  # fmt: skip
    assert models["faces"][0]["licence"] == "Apache-2.0" and digest("blazeface").startswith(
        models["faces"][0]["sha256"]
    )


def test_weights_that_the_registry_no_longer_has_are_told_without_a_licence(lake):
    (one,) = composed(lake).document["models"]["persons"]
    assert one == {"name": "dlib_face", "provider": None, "licence": None, "sha256": "0" * 12, "segments": 4}


def test_the_card_says_it_in_words(lake):
    text = card_text({**composed(lake).document, "version": 1, "tag": "dataset/toy/v1"})
    sha = digest("blazeface")[:12]
    assert f"- faces: blazeface (Apache-2.0, provider mediapipe, sha256 {sha}, 3 of 4 segments), insight" in text
    assert "licence not known" in text and "whisper" not in text


def test_a_version_from_before_digests_were_told_still_has_a_card(lake):
    old = {**composed(lake).document, "version": 1, "tag": "t", "models": {"faces": {"blazeface": "Apache-2.0"}}}
    assert "- faces: blazeface (Apache-2.0)" in card_text(old)


def test_rows_made_anew_by_other_weights_are_another_document_and_the_same_ones_the_same(lake):
    before = composed(lake).document_bytes
    assert composed(lake).document_bytes == before
    (segment,) = [row["segment_id"] for row in composed(lake).index.to_pylist() if row["video_id"] == "bob"]
    entry = lake.entry("main", f"layers/faces/bob/{segment}.parquet")
    with lake.transaction("main", {}) as tx:
        tx.put(entry.path, lake.read("main", entry.path), fingerprint("blazeface", provider="mediapipe"))
    (one,) = composed(lake).document["models"]["faces"]
    assert (one["name"], one["segments"]) == ("blazeface", 4)
