"""Cuts, by a jump of the content and by TransNetV2: the cuts of the sample corpus, and dissolves made here."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hour_lake.identity import Segment
from hour_lake.layers import Frames
from hour_lake.layers.content_change import content_change
from hour_lake.layers.shot_boundaries import shot_boundaries
from hour_lake.media.cut import cut
from hour_lake.media.decode import decode_frames
from hour_lake.models.transnet import shot_end_probability, thumbnail
from hour_lake.settings import Limits
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import Picture, frames_of, scene
from hour_lake_tests.weights import weights_folder as weights_folder

# A cut of the corpus: video, its time, and the clip of 3 s or less around it.
CUTS = [("collins-two-cameras.mp4", 18.625, 17.0), ("collins-with-guest.mp4", 14.44, 13.0),
        ("collins-with-guest.mp4", 23.08, 21.6)]  # fmt: skip
ONE, OTHER = scene((400, 100, 1.2)), cv2.flip(scene((200, 100, 1.5)), 1)


def cuts_in(*batches: Frames, **config: Any) -> dict[str, Any]:
    """The rows of the layer for frames that come in these batches."""
    change, layer = content_change(), shot_boundaries(**config)
    for batch in batches:
        layer(batch, change(batch))
    return layer.finish()


def in_batches(*pictures: Picture, sizes: tuple[int, ...]) -> list[Frames]:
    edges = np.cumsum([0, *sizes, len(pictures) - sum(sizes)]).tolist()
    return [frames_of(*pictures[a:b], first_index=a) for a, b in zip(edges, edges[1:], strict=False)]


def dissolve(frames: int) -> list[Picture]:
    """30 frames of one scene, `frames` from it to another, 30 of that."""
    shares = np.arange(1, frames + 1) / (frames + 1)
    return [*[ONE] * 30, *(cv2.addWeighted(ONE, 1 - share, OTHER, share, 0) for share in shares), *[OTHER] * 30]


def test_cuts_are_found_to_the_frame(corpus: Path, accuracy: Accuracy) -> None:
    names = ("collins-two-cameras.mp4", "hopper-webcam.mkv")
    shots = [next(iter(decode_frames(corpus / name))).small(width=256)[:12] for name in names]
    dark = (shots[0] * 0.5).astype(np.uint8)
    pictures = [*shots[0], *shots[1], *dark, *shots[1][:5]]
    found = cuts_in(*in_batches(*pictures, sizes=(7,)))
    assert np.flatnonzero(found["is_cut"]).tolist() == [12, 24, 36]
    assert np.isnan(found["cut_probability"]).all()
    true, cuts = {12, 24, 36}, set(np.flatnonzero(found["is_cut"]).tolist())
    exact = 2 * len(true & cuts) / (len(true) + len(cuts))
    accuracy("shot_boundaries", "cuts between scenes exact to the frame, F1", exact, above=1,
             against="scenes of the corpus put together")  # fmt: skip


def test_a_shaking_picture_is_no_cut() -> None:
    shaken = frames_of(*np.random.default_rng(0).integers(0, 255, (20, 60, 100, 3)).astype(np.uint8))
    assert content_change()(shaken)["content_score"][1:].min() > 27 and not cuts_in(shaken)["is_cut"].any()


def test_content_is_what_hue_saturation_and_value_change_by(accuracy: Accuracy) -> None:
    """From black to a grey, to red, to half that red, by hand; of OpenCV's HSV in 8 bits."""
    colours = [(0, 0, 0), (60, 60, 60), (255, 0, 0), (128, 0, 0), (0, 255, 0)]
    pictures = [np.full((90, 256, 3), colour, np.uint8) for colour in colours]
    found = content_change()(frames_of(*pictures))["content_score"]
    true = np.array([0, 60, 255 + 195, 127, 60 + 127]) / 3
    accuracy("content_change", "score, error", np.abs(found - true).max(), below=1e-6, against="even pictures, by hand")


@pytest.mark.slow
@pytest.mark.usefixtures("weights_folder")
@pytest.mark.parametrize(("provider", "named"), [("content", "cuts"), ("transnetv2", "TransNetV2: cuts")])
def test_the_cuts_of_the_corpus_are_found_to_the_frame(
    corpus: Path, tmp_path: Path, accuracy: Accuracy, provider: str, named: str
) -> None:
    truth = json.loads((corpus / "truth.json").read_text())["videos"]
    assert [(video["file"], cut) for video in truth.values() for cut in video["cuts_seconds"]] == [
        (name, cut) for name, cut, _ in CUTS
    ]
    right = wrong = 0
    for k, (name, cut_seconds, start_seconds) in enumerate(CUTS):
        clip, start_ms = tmp_path / f"{k}.mp4", round(start_seconds * 1000)
        cut(corpus / name, Segment("x", start_ms, start_ms + 3000), clip, Limits())
        batches = [Frames(b.small(width=256), b.time_seconds, b.first_index) for b in decode_frames(clip)]
        found = np.flatnonzero(cuts_in(*batches, provider=provider)["is_cut"]).tolist()
        true = int(np.ceil((cut_seconds - start_seconds) * 25 - 1e-6))  # the first step of the grid that shows the shot
        right += true in found
        wrong += len(found) - (true in found)
    assert right == 3
    accuracy("shot_boundaries", f"{named} exact to the frame, F1", 2 * right / (len(CUTS) + right + wrong),
             above=1, against="corpus, its three cuts")  # fmt: skip


@pytest.mark.usefixtures("weights_folder")
def test_transnet_finds_a_dissolve_that_content_does_not_and_no_batch_matters() -> None:
    pictures = [cv2.resize(one, (256, 144), interpolation=cv2.INTER_AREA) for one in dissolve(12)]
    together = cuts_in(frames_of(*pictures), provider="transnetv2")
    parts = cuts_in(*in_batches(*pictures, sizes=(1, 33)), provider="transnetv2")
    assert not cuts_in(frames_of(*pictures))["is_cut"].any()
    (found,) = np.flatnonzero(together["is_cut"])
    assert 33 <= found <= 39  # its middle is between frames 35 and 36
    assert np.array_equal(together["cut_probability"], parts["cut_probability"])
    assert not cuts_in(frames_of(*pictures[:30]), provider="transnetv2")["is_cut"].any()


@pytest.mark.usefixtures("weights_folder")
@pytest.mark.parametrize(
    ("blended", "published"), [(0, {23: 0.9596}), (20, {32: 0.0612, 33: 0.7997, 34: 0.7956, 35: 0.2382})]
)
def test_transnet_answers_as_the_published_code_does(
    blended: int, published: dict[int, float], accuracy: Accuracy
) -> None:
    one, other = thumbnail(ONE), thumbnail(OTHER)
    shares = np.arange(1, blended + 1) / (blended + 1)
    between = [np.round(one + (other.astype(float) - one) * share).astype(np.uint8) for share in shares]
    found = shot_end_probability(np.stack([*[one] * 24, *between, *[other] * 24]), asked_by="a test")
    off = max(abs(found[k] - value) for k, value in published.items())
    accuracy("shot_boundaries", "TransNetV2: off the published code", off, below=0.002, against="a cut, a dissolve")
