"""Whose voice and how good it sounds: networks on PyTorch, against the voices of the corpus and the published code."""

import itertools
import subprocess
import sys
from collections.abc import Callable

import librosa
import numpy as np
import pytest

from hour_lake.errors import ModelError
from hour_lake.layers import Samples
from hour_lake.layers.speaker_embedding import kept, speaker_embedding
from hour_lake.layers.speakers import speakers
from hour_lake.layers.speech_quality import speech_quality
from hour_lake.layers.voice_activity import voice_activity
from hour_lake.models import distillmos, ge2e
from hour_lake.models.torch_network import one_thread, torch_for
from hour_lake.models.transnet import shot_end_probability
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.test_layers_words import TEXTS, spoken
from hour_lake_tests.weights import weights_folder as weights_folder

pytestmark = pytest.mark.usefixtures("weights_folder")
PIECE = 6 * 16_000


def voice_of(samples: Samples) -> dict[str, np.ndarray]:
    return speaker_embedding(samples, voice_activity(samples))


def with_noise(samples: Samples, decibels: float) -> Samples:
    """Noise that many dB under the speech."""
    level = np.sqrt(np.mean(samples.values**2)) * 10 ** (-decibels / 20)
    noise = np.random.default_rng(0).normal(0, level, len(samples.values))
    return Samples((samples.values + noise).astype(np.float32), samples.rate_hz)


def test_one_voice_is_always_nearer_than_the_other(accuracy: Accuracy) -> None:
    found: list[tuple[str, np.ndarray]] = []
    for video_id in TEXTS:
        whole = spoken(video_id).values
        for start in range(0, len(whole) - PIECE, PIECE):
            piece = voice_of(Samples(whole[start : start + PIECE], 16_000))
            assert np.linalg.norm(piece["embedding"]) == pytest.approx(1, abs=1e-5)
            assert piece["pieces"] == 6 and 0 < piece["spread"] < 0.2
            found.append((video_id.partition("-")[0], piece["embedding"]))
    pairs = [(a == b, 1 - float(one @ other)) for (a, one), (b, other) in itertools.combinations(found, 2)]
    assert len(found) == 34
    same, other = max(d for alike, d in pairs if alike), min(d for alike, d in pairs if not alike)
    assert same < other
    ids = np.array([f"v_{k:08d}_{k + 1:08d}" for k in range(len(found) + 1)], object)
    silent = np.full((1, 256), np.nan)
    told = speakers({"segment_id": ids, "embedding": np.concatenate([silent, [voice for _, voice in found]])})
    assert told["segment_id"].tolist() == ids[1:].tolist()
    assert len({*zip((name for name, _ in found), told["speaker"], strict=True)}) == 2 == len(set(told["speaker"]))
    assert told["distance"].max() < 0.14 and set(told["segments"].tolist()) == {
        [name for name, _ in found].count(name) for name in ("collins", "hopper")
    }
    against = "corpus, 34 pieces of 6 s"
    accuracy("speaker_embedding", "one voice, largest distance", same, below=0.14, against=against)
    accuracy("speaker_embedding", "two voices, smallest distance", other, above=0.14, against=against)


def test_two_voices_in_one_segment_spread() -> None:
    one, two = (spoken(name).values[:PIECE] for name in ("collins-dim-room", "hopper-webcam"))
    alone = max(voice_of(Samples(values, 16_000))["spread"] for values in (one, two))
    assert voice_of(Samples(np.concatenate([one, two]), 16_000))["spread"] > alone + 0.02


def test_pauses_and_loudness_do_not_change_a_voice() -> None:
    values = spoken("collins-dim-room").values[:PIECE]
    pause = np.zeros(32_000, np.float32)
    quiet = np.concatenate([pause, 0.01 * values[: PIECE // 2], pause, 0.01 * values[PIECE // 2 :], pause])
    one, other = (voice_of(Samples(x.astype(np.float32), 16_000))["embedding"] for x in (values, quiet))
    assert 1 - one @ other < 0.05


def test_without_speech_there_is_no_voice() -> None:
    for values in (np.zeros(PIECE, np.float32), spoken("collins-dim-room").values[:20_000]):
        found = voice_of(Samples(values, 16_000))
        assert np.isnan(found["embedding"]).all() and np.isnan(found["spread"]) and found["pieces"] == 0


def test_sound_around_speech_is_kept() -> None:
    spoken_windows = np.zeros(10, bool)
    spoken_windows[4] = True
    assert np.flatnonzero(kept(spoken_windows, around=2, samples=5000)).tolist() == list(range(2 * 512, 7 * 512))
    assert len(kept(spoken_windows, around=2, samples=5000)) == 5000
    assert kept(np.ones(1, bool), around=3, samples=100).all()


@pytest.mark.parametrize(
    ("samples", "starts"), [(8_000, [0]), (25_600, [0]), (31_000, [0]), (32_000, [0, 77]), (51_200, [0, 77, 154])]
)
def test_pieces_of_a_voice(samples: int, starts: list[int]) -> None:
    assert ge2e.piece_starts(samples) == starts


def test_mel_power_is_librosas() -> None:
    values = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    theirs = librosa.feature.melspectrogram(y=values, sr=16_000, n_fft=400, hop_length=160, n_mels=40).T
    assert ge2e.mel_power(values) == pytest.approx(theirs, rel=1e-3)


def test_a_voice_is_what_resemblyzer_says(accuracy: Accuracy) -> None:
    """The largest numbers of two pieces, as Resemblyzer 0.1.4 gives them for the same samples."""
    first, second = ge2e.voices(spoken("collins-two-cameras").values[:32_000], asked_by="a test")
    found = np.concatenate([first[[160, 243, 125, 248]], second[[248, 160, 243]]])
    off = np.abs(found - [0.22166, 0.22887, 0.23387, 0.24993, 0.20550, 0.22275, 0.24876]).max()
    accuracy("speaker_embedding", "off the published code", off, below=1e-4, against="Resemblyzer 0.1.4, two pieces")
    assert (first.sum(), second.sum()) == pytest.approx((8.0607, 8.1556), abs=1e-3)


@pytest.mark.parametrize(("samples", "published"), [(20_000, 2.94267), (130_000, 2.52959)])
def test_quality_is_what_distillmos_says(samples: int, published: float, accuracy: Accuracy) -> None:
    """As distillmos 0.9.1 answers for the same samples: shorter than a piece, and two pieces."""
    table = speech_quality(Samples(spoken("collins-two-cameras").values[:samples], 16_000))
    off = abs(np.mean(table["mos"]) - published)
    accuracy(
        "speech_quality", "off the published code (MOS)", off, below=1e-3, against="distillmos 0.9.1, corpus voice"
    )
    assert table["start_seconds"][-1] == pytest.approx(max(0, samples - distillmos.SAMPLES) / 16_000)


@pytest.mark.parametrize("video_id", ["collins-two-cameras", "hopper-webcam"])
def test_noise_takes_quality_away(video_id: str, accuracy: Accuracy) -> None:
    clean = Samples(spoken(video_id).values[: 7 * 16_000], 16_000)
    good, *noisy = [speech_quality(x)["mos"][0] for x in (clean, *(with_noise(clean, level) for level in (20, 10, 0)))]
    assert (np.diff(noisy) < 0).all()
    lost = good - noisy[-1]
    accuracy("speech_quality", "lost to noise as loud as the speech", lost, above=0.3, against="corpus voices")


def test_silence_has_no_quality() -> None:
    assert np.isnan(speech_quality(Samples(np.zeros(20_000, np.float32), 16_000))["mos"]).all()


@pytest.mark.parametrize("samples", [1, 122_880, 122_881, 240_000])
def test_pieces_of_sound_cover_it_and_are_at_most_a_second_apart(samples: int) -> None:
    starts = distillmos.piece_starts(samples)
    assert starts[0] == 0 and starts[-1] + distillmos.SAMPLES >= samples
    assert np.max(np.diff(starts), initial=0) <= 16_000
    assert starts[-1] + distillmos.SAMPLES == max(samples, distillmos.SAMPLES)


SILENCE, BLACK = np.zeros(16_000, np.float32), np.zeros((1, 27, 48, 3), np.uint8)


@pytest.mark.parametrize(
    "run",
    [lambda: ge2e.voices(SILENCE, asked_by="a_layer"), lambda: distillmos.speech_mos(SILENCE, asked_by="a_layer"),
     lambda: shot_end_probability(BLACK, asked_by="a_layer")],
    ids=["ge2e", "distillmos", "transnet"],
)  # fmt: skip
def test_without_torch_the_extra_is_named(run: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"MODEL_MISSING.*torch.*a_layer.*pip install 'hour-lake\[torch\]'"):
        run()


def test_threads_are_given_back() -> None:
    torch = torch_for("a test")
    before = torch.get_num_threads()
    with one_thread(torch):
        assert torch.get_num_threads() == 1 and torch.is_inference_mode_enabled()
    assert torch.get_num_threads() == before and not torch.is_inference_mode_enabled()


def test_finding_the_layers_imports_no_torch() -> None:
    code = """
import sys
from hour_lake.passes.registry import load_layers
assert {"speaker_embedding", "speech_quality", "unsafe"} <= set(load_layers())
print("torch" in sys.modules, "onnxruntime" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False False\n"
