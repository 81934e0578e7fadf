"""Where networks run: what is asked for, what is chosen of what is there, and what is said of it in the end."""

from collections.abc import Callable, Mapping
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from ctranslate2 import get_cuda_device_count

from hour_lake.errors import ModelError
from hour_lake.models import ocr as ocr_module
from hour_lake.models import onnx_network as onnx_network_module
from hour_lake.models import store as store_module
from hour_lake.models import whisper as whisper_module
from hour_lake.models.blazeface import find_faces
from hour_lake.models.device import (
    CPU,
    CUDA,
    DEVICE_VARIABLE,
    asked,
    asked_for,
    device_for,
    device_of_session,
    onnx_providers,
    placed,
    ran_on,
)
from hour_lake.models.distillmos import speech_mos
from hour_lake.models.dlib_face import embedding
from hour_lake.models.ge2e import voices
from hour_lake.models.network import run_on_cpu
from hour_lake.models.network_gpu import compiled, run_on_gpu
from hour_lake.models.ocr import read_text
from hour_lake.models.onnx_network import onnx_network
from hour_lake.models.onnx_session import opened as open_session
from hour_lake.models.open_nsfw import unsafe_probability
from hour_lake.models.silero import speech_probability
from hour_lake.models.store import Asker, weights
from hour_lake.models.transnet import shot_end_probability
from hour_lake.models.whisper import device_of_translator, words
from hour_lake_tests.onnx_bytes import W, adding, onnx, tensor
from hour_lake_tests.pictures import portrait

NO_CUDA = CUDA not in onnxruntime.get_available_providers() and get_cuda_device_count() == 0
without_gpu = pytest.mark.skipif(not NO_CUDA or bool(find_library("vulkan")), reason="for machines without a GPU")


@pytest.fixture(autouse=True)
def nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("told", "compute", "device"),
    [(None, "cpu", "cpu"), (None, "gpu", "cuda"), ("", "gpu", "cuda"), ("cpu", "gpu", "cpu"), ("cuda", "cpu", "cuda"),
     ("cuda", "gpu", "cuda"), ("cpu", "cpu", "cpu")],
)  # fmt: skip
def test_the_layer_asks_and_the_variable_overrides(
    told: str | None, compute: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told is not None:
        monkeypatch.setenv(DEVICE_VARIABLE, told)
    assert asked_for(compute) == device
    with placed(compute, set()):
        assert asked() == device


@pytest.mark.parametrize(
    ("wanted", "available", "tried"),
    [("cuda", [CUDA, CPU], [CUDA, CPU]), ("cuda", ["TensorrtExecutionProvider", CUDA, CPU], [CUDA, CPU]),
     ("cuda", ["AzureExecutionProvider", CPU], [CPU]), ("cuda", [], [CPU]), ("cpu", [CUDA, CPU], [CPU]),
     ("cpu", [CPU], [CPU])],
)  # fmt: skip
def test_cuda_is_tried_when_asked_for_and_there(wanted: Any, available: list[str], tried: list[str]) -> None:
    assert onnx_providers(available, wanted=wanted) == tried
    assert device_for(present=CUDA in available, wanted=wanted) == ("cuda" if CUDA in tried else "cpu")
    with placed("gpu" if wanted == "cuda" else "cpu", set()):
        assert onnx_providers(available) == tried


@dataclass
class Said:
    """What a session says of itself."""

    providers: list[str]
    options: Mapping[str, Mapping[str, str]]

    def get_providers(self) -> list[str]:
        return self.providers

    def get_provider_options(self) -> Mapping[str, Mapping[str, str]]:
        return self.options


@pytest.mark.parametrize(
    ("said", "device"),
    [(Said([CUDA, CPU], {CUDA: {"device_id": "0"}}), "cuda:0"),
     (Said([CUDA, CPU], {CUDA: {"device_id": "3"}}), "cuda:3"),
     (Said([CPU], {CPU: {}}), "cpu"), (Said(["AzureExecutionProvider", CPU], {}), "cpu")],
)  # fmt: skip
def test_the_device_is_what_the_session_says(said: Said, device: str) -> None:
    assert device_of_session(said) == device


def test_a_real_session_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_network_module, "weights", lambda name, asked_by: onnx(adding(tensor())))
    x = np.zeros(3, np.float32)
    for compute in ("cpu", "gpu"):
        used = set[str]()
        with placed(compute, used):
            (y,) = onnx_network("by hand", "a test")(x)
        assert y.tolist() == list(W)
        assert used == {"cuda:0" if compute == "gpu" and not NO_CUDA else "cpu"}


@dataclass
class Translator:
    """What a CTranslate2 model says of itself."""

    device: str
    device_index: list[int]


@pytest.mark.parametrize(("device", "index", "said"), [("cpu", 0, "cpu"), ("cuda", 1, "cuda:1")])
def test_the_device_is_what_the_translator_says(device: str, index: int, said: str) -> None:
    assert device_of_translator(Translator(device, [index])) == said


def test_what_runs_within_is_noted_for_that_one_alone() -> None:
    outer, inner = set[str](), set[str]()
    ran_on("nobody listens")
    with placed("gpu", outer):
        ran_on("cuda:0")
        with placed("cpu", inner):
            ran_on("cpu")
            assert asked() == "cpu"
        assert asked() == "cuda"
    assert (outer, inner, asked()) == ({"cuda:0"}, {"cpu"}, "cpu")


def listen(asker: str = "a test") -> None:
    words(np.zeros(16_000, np.float32), beam=1, asked_by=asker)


RUNNERS: Mapping[str, Callable[[str], object]] = {
    "litert": lambda asker: find_faces(portrait(), min_score=0.5, asked_by=asker),
    "rapidocr": lambda asker: read_text(portrait(), asked_by=asker),
    "ctranslate2": listen,
    "silero": lambda asker: speech_probability(np.zeros(1024, np.float32), asked_by=asker),
    "onnxruntime": lambda asker: unsafe_probability(portrait(), asked_by=asker),
    "torch, voices": lambda asker: voices(np.zeros(16_000, np.float32), asked_by=asker),
    "torch, speech": lambda asker: speech_mos(np.zeros(16_000, np.float32), asked_by=asker),
    "torch, shots": lambda asker: shot_end_probability(np.zeros((2, 27, 48, 3), np.uint8), asked_by=asker),
    "dlib": lambda asker: embedding(portrait(), box=np.array([90, 100, 140, 180]), asked_by=asker),
}


@pytest.mark.usefixtures("weights_folder")
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_network_that_two_layers_run_is_opened_once(runner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    RUNNERS[runner]("one layer")
    opened: list[str] = []
    open_weights = store_module._opened

    def noted(name: str, asked_by: str) -> tuple[Path, bytes]:
        opened.append(name)
        return open_weights(name, asked_by)

    monkeypatch.setattr(store_module, "_opened", noted)
    RUNNERS[runner]("another layer")
    assert opened == []


def test_a_session_is_made_once_for_each_network_and_device(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def opened(model: bytes, *, device: str) -> object:
        made.append(device)
        return open_session(model, device="cpu")

    monkeypatch.setattr(onnx_network_module, "weights", lambda name, asked_by: onnx(adding(tensor())))
    monkeypatch.setattr(onnx_network_module, "opened", opened)
    for compute in ("cpu", "gpu"):
        for asker in ("one layer", "another layer"):
            with placed(compute, set()):
                onnx_network("made once", asker)(np.zeros(3, np.float32))
    assert made == ["cpu", "cuda"]


def test_a_network_that_is_refused_is_refused_for_each_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOUR_LAKE_PROFILE", raising=False)
    for asker in ("one_layer", "another_layer"):
        with pytest.raises(ModelError, match=f"MODEL_REFUSED.*{asker}"):
            onnx_network("insightface_det_10g", asker)


@without_gpu
@pytest.mark.usefixtures("weights_folder")
@pytest.mark.parametrize("runner", RUNNERS)
def test_without_a_gpu_all_say_cpu_also_when_cuda_is_asked_for(runner: str) -> None:
    used = set[str]()
    with placed("gpu", used):
        RUNNERS[runner]("a test")
    assert used == {"cpu"}


@without_gpu
@pytest.mark.usefixtures("weights_folder")
def test_a_gpu_that_whisper_cannot_use_is_none(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    """As one without the cuBLAS that CTranslate2 was built for; here there is not even a driver."""
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 1)
    whisper_module._network.cache_clear()
    used = set[str]()
    with placed("gpu", used):
        listen()
    whisper_module._network.cache_clear()
    assert used == {"cpu"}
    assert "Whisper runs on the CPU: CUDA" in capfd.readouterr().err


def test_of_the_networks_that_read_text_only_the_detector_is_sent_to_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr_module, "providers_for", lambda device: [CUDA, CPU])
    made = ocr_module._reader.__wrapped__(Asker("a test"), "cuda")
    assert made.cfg.Det.engine_cfg.use_cuda
    made._load_rec_model()
    assert not made.cfg.Rec.engine_cfg.use_cuda


@pytest.mark.usefixtures("weights_folder")
@pytest.mark.parametrize("name", ["blazeface", "facemesh", "iris"])
def test_litert_compiled_for_an_accelerator_answers_as_the_interpreter_does(name: str) -> None:
    """The way to a GPU, taken with the accelerator that every machine has, and with a GPU where there is one."""
    data, size = weights(name, asked_by="a test"), {"iris": 64}.get(name, 192)
    values = np.random.default_rng(0).random((1, size, size, 3), np.float32)
    expected = run_on_cpu(data)(values)
    for run in filter(None, (compiled(data, on="CPU"), run_on_gpu(data))):
        found = run(values)
        assert [one.shape for one in found] == [one.shape for one in expected]
        for one, other in zip(found, expected, strict=True):
            assert np.allclose(one, other, rtol=1e-3, atol=1e-3 * float(np.abs(other).max()))
