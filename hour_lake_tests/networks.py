"""Every network that may run on a GPU, each with something real to look at or listen to, for tests and measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.models.blazeface import Face, find_faces
from hour_lake.models.device import placed
from hour_lake.models.distillmos import speech_mos
from hour_lake.models.facemesh import Mesh, find_mesh
from hour_lake.models.ge2e import voices
from hour_lake.models.iris import find_eye
from hour_lake.models.ocr import read_text
from hour_lake.models.open_nsfw import unsafe_probability
from hour_lake.models.transnet import shot_end_probability
from hour_lake.models.whisper import words
from hour_lake.sample.voice import sentences
from hour_lake_tests.pictures import portrait

ASKED_BY = "a test"


@dataclass(frozen=True)
class Answer:
    """What a network says: numbers, or words with a number for each."""

    words: Sequence[str]
    numbers: NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """`at_once`: what one call is about. On a GPU at least the share `alike` of its words must be the same, and the
    numbers, of these words, at most `apart`. `on`: where it runs when a GPU is asked for."""

    library: str
    at_once: str
    apart: float
    run: Callable[[], Answer]
    alike: float = 1.0
    on: frozenset[str] = frozenset({"cuda:0"})

    def same(self, one: Answer, other: Answer) -> bool:
        share, apart = compared(one, other)
        return share >= self.alike and apart <= self.apart


def compared(one: Answer, other: Answer) -> tuple[float, float]:
    """The share of words that are the same, and how far apart the numbers are at most: of these words, or all."""
    if not one.words:
        return 1.0, float(np.abs(one.numbers - other.numbers).max())
    blocks = SequenceMatcher(None, one.words, other.words, autojunk=False).get_matching_blocks()
    gaps = [np.abs(one.numbers[a : a + n] - other.numbers[b : b + n]) for a, b, n in blocks]
    same = np.concatenate(gaps)
    return len(same) / max(len(one.words), len(other.words)), float(same.max(initial=0))


def answered(name: str, compute: str) -> tuple[Answer, set[str]]:
    """The answer of a network that is asked for on this `compute`, and where it ran."""
    used = set[str]()
    with placed(compute, used):
        return NETWORKS[name].run(), used


@cache
def speech() -> NDArray[np.float32]:
    """7.68 s of a voice, 16 kHz, whose first 4 s are one sentence."""
    samples = np.concatenate(sentences("collins-two-cameras"))[: 3 * 122_880]
    return samples.reshape(-1, 3).mean(axis=1)


@cache
def slide() -> NDArray[np.uint8]:
    """640 x 360, with three lines of writing."""
    picture = np.full((360, 640, 3), 235, np.uint8)
    for k, text in enumerate(("Hour Lake", "Three lines of text", "on a slide")):
        cv2.putText(picture, text, (60, 100 + 80 * k), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (30, 30, 60), 3, cv2.LINE_AA)
    return picture


@cache
def thumbnails() -> NDArray[np.uint8]:
    """50 frames of 48 x 27 that move, with a cut in the middle."""
    wide = [cv2.resize(each, (64, 27), interpolation=cv2.INTER_AREA) for each in (portrait(), slide())]
    return np.stack([wide[k // 25][:, k % 16 : k % 16 + 48] for k in range(50)])


def numbers(*values: object) -> NDArray[np.float64]:
    return np.concatenate([np.asarray(value, np.float64).ravel() for value in values] or [np.empty(0)])


def text() -> Answer:
    lines = read_text(slide(), asked_by=ASKED_BY)
    return Answer([line.text for line in lines], numbers(*([line.probability] for line in lines)))


def heard() -> Answer:
    found = words(speech(), beam=1, asked_by=ASKED_BY)
    return Answer([word.text for word in found], numbers(*([word.start_seconds] for word in found)))


@cache
def face() -> Face:
    """Of the portrait, by the CPU."""
    with placed("cpu", set()):
        return find_faces(portrait(), min_score=0.5, asked_by=ASKED_BY)[0]


@cache
def mesh() -> Mesh:
    with placed("cpu", set()):
        return mesh_of_face()


def mesh_of_face() -> Mesh:
    return find_mesh(portrait(), box=face().box, key_points=face().key_points, asked_by=ASKED_BY)


def only(value: Callable[[], object]) -> Callable[[], Answer]:
    """An answer without words."""
    return lambda: Answer([], numbers(value()))


NETWORKS: Mapping[str, Network] = {
    "Open NSFW": Network("ONNX Runtime", "a frame", 1e-5,
                         only(lambda: unsafe_probability(portrait(), asked_by=ASKED_BY))),
    "PP-OCR": Network("ONNX Runtime", "a frame of 640 x 360 with 3 lines", 1e-4, text, on=frozenset({"cpu", "cuda:0"})),
    "GE2E": Network("PyTorch", "7.68 s of sound", 1e-5, only(lambda: voices(speech(), asked_by=ASKED_BY))),
    "DistillMOS": Network("PyTorch", "7.68 s of sound", 1e-4, only(lambda: speech_mos(speech(), asked_by=ASKED_BY))),
    "TransNetV2": Network("PyTorch", "50 frames", 1e-4,
                          only(lambda: shot_end_probability(thumbnails(), asked_by=ASKED_BY))),
    "Whisper": Network("CTranslate2", "7.68 s of sound", 0.3, heard, alike=0.7),
    "BlazeFace": Network("LiteRT", "a frame", 0.1,
                         only(lambda: find_faces(portrait(), min_score=0.5, asked_by=ASKED_BY)[0].box)),
    "FaceMesh": Network("LiteRT", "a face", 0.1, only(lambda: mesh_of_face().points)),
    "Iris": Network("LiteRT", "an eye", 0.1, only(
        lambda: find_eye(portrait(), mesh=mesh().points, side="right", asked_by=ASKED_BY).contour)),
}  # fmt: skip
ON_CUDA = [name for name, network in NETWORKS.items() if network.library != "LiteRT"]
ON_WEBGPU = [name for name, network in NETWORKS.items() if network.library == "LiteRT"]
