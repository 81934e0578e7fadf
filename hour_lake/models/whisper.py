"""Whisper tiny.en: English words with their times in 16 kHz sound, by CTranslate2."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from hour_lake.models.device import Device, asked, device_for, ran_on
from hour_lake.models.installed_libraries import load_installed
from hour_lake.models.network import Floats
from hour_lake.models.store import Asker, weights

FILES = {
    "model.bin": "whisper_tiny_en",
    "config.json": "whisper_tiny_en_config",
    "tokenizer.json": "whisper_tiny_en_tokenizer",
    "vocabulary.txt": "whisper_tiny_en_vocabulary",
}
CUBLAS = ("libcublasLt.so.12", "libcublas.so.12")  # what CTranslate2 4 opens; the first is needed by the second
SPECTRA = 3000  # that it looks at together: 30 s


@dataclass(frozen=True)
class Word:
    """A word as it is written, with its times in seconds and how sure the network is of it, 0..1."""

    text: str
    start_seconds: float
    stop_seconds: float
    probability: float


def words(samples: Floats, *, beam: int, asked_by: str) -> list[Word]:
    """The words of `(n,)` samples in order. Always the same for the same sound: one thread, no random sampling.

    8 s of sound take about 0.9 s. Where nothing is said the network may invent words: ask it only about speech.
    """
    network, used = _network(Asker(asked_by), asked())
    ran_on(used)
    segments, _ = network.transcribe(
        samples, language="en", beam_size=beam, temperature=0.0, word_timestamps=True,
        condition_on_previous_text=False, vad_filter=False,
    )  # fmt: skip
    return [
        Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
        for segment in segments
        for word in segment.words
        if word.word.strip()
    ]


@cache
def _network(asker: Asker, device: Device) -> tuple[Any, str]:
    """The network, and where it runs."""
    from ctranslate2 import get_cuda_device_count

    files = {file: weights(name, asked_by=asker.name) for file, name in FILES.items()}
    present = device_for(present=get_cuda_device_count() > 0, wanted=device) == "cuda"
    network = (_on_cuda(files) if present else None) or _opened(files, "cpu")
    return network, device_of_translator(network.model)


def _on_cuda(files: Mapping[str, bytes]) -> Any | None:
    """The network on a GPU that is there; None, and the reason on stderr, where it cannot calculate on it.

    CTranslate2 opens cuBLAS when it first needs it, and only that of the CUDA it was built for: so it is tried.
    """
    load_installed("nvidia/cublas/lib", CUBLAS)
    try:
        network = _opened(files, "cuda")
        network.encode(np.zeros((network.feature_extractor.mel_filters.shape[0], SPECTRA), np.float32))
        return network
    except (RuntimeError, ValueError) as error:
        print(f"Whisper runs on the CPU: {error}", file=sys.stderr)
        return None


def _opened(files: Mapping[str, bytes], device: Device) -> Any:
    from faster_whisper import WhisperModel

    # In 8 bits it went astray on an H100 ("by 4 cm after the rain" became "4 .5 .4 .10."), on the CPU it does not.
    kind = "float32" if device == "cuda" else "int8"
    return WhisperModel(
        "whisper_tiny_en", device=device, compute_type=kind, cpu_threads=1, num_workers=1, files=dict(files)
    )  # fmt: skip


def device_of_translator(model: Any) -> str:
    """Where a CTranslate2 model runs, as it says itself."""
    return "cpu" if model.device == "cpu" else f"{model.device}:{model.device_index[0]}"
