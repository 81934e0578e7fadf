"""Whisper tiny.en: English words with their times in 16 kHz sound, by CTranslate2."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from hour_lake.models.device import Device, asked, device_for, ran_on
from hour_lake.models.network import Floats
from hour_lake.models.store import weights

FILES = {
    "model.bin": "whisper_tiny_en",
    "config.json": "whisper_tiny_en_config",
    "tokenizer.json": "whisper_tiny_en_tokenizer",
    "vocabulary.txt": "whisper_tiny_en_vocabulary",
}


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
    network, used = _network(asked_by, asked())
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
def _network(asked_by: str, device: Device) -> tuple[Any, str]:
    """The network, and where it runs."""
    from ctranslate2 import get_cuda_device_count
    from faster_whisper import WhisperModel

    files = {file: weights(name, asked_by=asked_by) for file, name in FILES.items()}
    place = device_for(present=get_cuda_device_count() > 0, wanted=device)
    network: Any = WhisperModel(
        "whisper_tiny_en", device=place, compute_type="int8", cpu_threads=1, num_workers=1, files=files
    )  # fmt: skip
    return network, device_of_translator(network.model)


def device_of_translator(model: Any) -> str:
    """Where a CTranslate2 model runs, as it says itself."""
    return "cpu" if model.device == "cpu" else f"{model.device}:{model.device_index[0]}"
