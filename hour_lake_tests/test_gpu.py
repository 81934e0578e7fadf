"""Networks on an NVIDIA GPU, for real: `make test-gpu` runs these and needs one; nothing else asks for them."""

from ctypes.util import find_library
from difflib import SequenceMatcher
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
import soundfile

from hour_lake.models.device import DEVICE_VARIABLE, device_of_session
from hour_lake.models.onnx_session import opened
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.segment import SegmentTask, run_segment
from hour_lake.passes.tables import from_parquet
from hour_lake.passes.workers import Workers
from hour_lake_tests.flow import Flow, write_manifest
from hour_lake_tests.networks import NETWORKS, ON_CUDA, ON_WEBGPU, answered, compared, speech
from hour_lake_tests.onnx_bytes import multiplying, onnx
from hour_lake_tests.toy_layers import make_clip, write_layer

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("weights_folder")]


@pytest.fixture(autouse=True)
def nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)


@pytest.mark.parametrize("name", ON_CUDA)
def test_on_cuda_a_network_answers_as_on_the_cpu_and_says_where_it_ran(name: str) -> None:
    (expected, on_cpu), (found, on_gpu) = answered(name, "cpu"), answered(name, "gpu")
    assert (on_cpu, on_gpu) == ({"cpu"}, NETWORKS[name].on)
    assert len(expected.numbers)
    assert NETWORKS[name].same(expected, found), compared(expected, found)


@pytest.mark.parametrize("name", ON_WEBGPU)
def test_so_does_one_on_litert_by_webgpu_where_vulkan_is(name: str) -> None:
    (expected, on_cpu), (found, on_gpu) = answered(name, "cpu"), answered(name, "gpu")
    assert (on_cpu, on_gpu) == ({"cpu"}, {"webgpu" if find_library("vulkan") else "cpu"})
    assert NETWORKS[name].same(expected, found), compared(expected, found)


@pytest.mark.parametrize("name", ON_CUDA)
def test_on_cuda_a_network_answers_the_same_each_time(name: str) -> None:
    first, *others = (answered(name, "gpu")[0] for _ in range(4))
    assert all(compared(first, other) == (1, 0) for other in others)


@pytest.mark.parametrize("name", ON_CUDA)
def test_the_variable_keeps_it_off_the_gpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    assert answered(name, "gpu")[1] == {"cpu"}


def test_products_on_cuda_have_all_their_bits() -> None:
    """ONNX Runtime by itself rounds to TF32 first: these are then 3e-4 of the largest apart, not 7e-7."""
    matrix, values = np.random.default_rng(0).normal(size=(2, 256, 256)).astype(np.float32)
    session = opened(onnx(multiplying(matrix)), device="cuda")
    assert device_of_session(session) == "cuda:0"
    (found,), exact = session.run(None, {"x": values}), values.astype(np.float64) @ matrix
    assert np.abs(found - exact).max() < 1e-5 * np.abs(exact).max()


LAYERS = """
from hour_lake.layers import frames
from hour_lake.models.ge2e import voices
from hour_lake.models.ocr import read_text
from hour_lake.models.open_nsfw import unsafe_probability
from hour_lake.models.transnet import shot_end_probability, thumbnail
from hour_lake.models.whisper import words

@layer(reads=frames(fps=1), columns={"unsafe": "float32"}, compute="gpu")
def toy_onnx(frames):
    return {"unsafe": [unsafe_probability(picture, asked_by="a test") for picture in frames.pixels]}

@layer(reads="frames", columns={"shot": "float32"}, compute="gpu")
class toy_torch:
    def __init__(self):
        self.seen = []
    def __call__(self, frames):
        self.seen += [thumbnail(picture) for picture in frames.pixels]
    def finish(self):
        return {"shot": shot_end_probability(np.stack(self.seen), asked_by="a test")}

@layer(reads=frames(fps=1), columns={"lines": "int16"}, compute="gpu")
def toy_text(frames):
    return {"lines": [len(read_text(picture, asked_by="a test")) for picture in frames.pixels]}

@layer(reads="samples", rows="segment", columns={"embedding": "float32[256]"}, compute="gpu")
def toy_voice(samples):
    return {"embedding": voices(samples.values, asked_by="a test")[0]}

@layer(reads="samples", columns={"word": "string"}, compute="gpu")
def toy_words(samples):
    return {"word": [word.text for word in words(samples.values, beam=1, asked_by="a test")]}

@layer(reads=frames(fps=1), columns={"unsafe": "float32"})
def toy_cpu(frames):
    return {"unsafe": [unsafe_probability(picture, asked_by="a test") for picture in frames.pixels]}
"""
ON_GPU = ("toy_onnx", "toy_torch", "toy_text", "toy_voice", "toy_words")


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> SegmentTask:
    """A clip and a voice, and a layer for each library that knows CUDA, and one that asks for no GPU."""
    folder = tmp_path_factory.mktemp("worker")
    write_layer(folder / "layers", "toys", LAYERS)
    make_clip(folder / "clip.mp4", frames=100)
    soundfile.write(folder / "voice.wav", speech()[:64_000], 16_000, subtype="PCM_16")
    locations = {"frames": str(folder / "clip.mp4"), "samples": str(folder / "voice.wav")}
    return SegmentTask("bob_00000000_00004000", (*ON_GPU, "toy_cpu"), locations, {}, (str(folder / "layers"),))


def outcomes(task: SegmentTask) -> dict[str, Outcome]:
    """Of a fresh worker as layers for a GPU have it: most of the environment is hidden from it."""
    with Workers(1, memory_gib=None) as workers:
        ((_, found),) = workers.map(run_segment, [task])
    assert isinstance(found, dict), found
    assert all(isinstance(outcome, Outcome) for outcome in found.values()), found
    return {name: outcome for name, outcome in found.items() if isinstance(outcome, Outcome)}


def test_a_worker_finds_the_gpu_and_each_layer_says_where_it_ran(
    task: SegmentTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without LD_LIBRARY_PATH: what pip has installed is found."""
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    first, again = outcomes(task), outcomes(task)
    assert {name: first[name].device for name in ON_GPU} == dict.fromkeys(ON_GPU, "cuda:0")
    assert first["toy_cpu"].device == "cpu"
    assert {name: one.data for name, one in first.items()} == {name: one.data for name, one in again.items()}


def test_a_worker_told_of_no_gpu_says_cpu_and_answers_as_well(
    task: SegmentTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_gpu = outcomes(task)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    hidden = outcomes(task)
    assert {one.device for one in hidden.values()} == {"cpu"}
    for name in ON_GPU:
        expected, found = (from_parquet(one[name].data) for one in (hidden, on_gpu))
        (column,) = set(expected) - {"segment_id", "frame_index", "time_seconds"}
        if name == "toy_words":  # on the CPU in 8 bits, so where it is unsure it may hear another word
            share = SequenceMatcher(None, found[column].tolist(), expected[column].tolist()).ratio()
            assert share >= 0.7, (found[column], expected[column])
        else:
            assert np.allclose(found[column], expected[column], atol=1e-4), name


def test_all_of_it_at_the_word_of_the_variable(task: SegmentTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda")
    assert outcomes(task)["toy_cpu"].device == "cuda:0"


@pytest.mark.slow
def test_a_materialization_says_that_it_ran_on_cuda(
    corpus: Path, weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = ("transcript", "text_overlay", "unsafe", "speaker_embedding", "speech_quality", "shot_boundaries")
    settings = f"opt_in: [unsafe, speaker_embedding, speech_quality]\nsource_roots: [{corpus}]\n"
    settings += "layers: {shot_boundaries: {provider: transnetv2}}\n"
    flow = Flow.create(tmp_path / "project", weights_folder, settings=settings)
    row = {
        "id": "talk",
        "source": str(corpus / "hopper-webcam.mkv"),
        "licence": "public-domain",
        "consent": "synthetic",
    }
    told = {DEVICE_VARIABLE: "cuda"}
    flow("ingest", str(write_manifest(flow.folder, [row])), **told)
    flow("run", ",".join(("segments", "audio", "voice_activity", "content_change", *layers)), **told)
    home = str(flow.folder / "home" / "dagster")
    monkeypatch.setenv("DAGSTER_HOME", home)
    with dg.DagsterInstance.from_config(home) as instance:
        for name in layers:
            records = instance.fetch_materializations(dg.AssetKey(name), limit=100).records
            events = [record.asset_materialization for record in records]
            devices = {event.metadata["device"].value for event in events if event}
            assert devices and devices <= {"cuda:0", "cpu, cuda:0"}, (name, devices)  # lines of text: on the CPU
