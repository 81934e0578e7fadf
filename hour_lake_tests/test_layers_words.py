"""Words and how fast they are spoken: the sentences of the sample corpus against what was given to its voices."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

import hour_lake.sample
from hour_lake.layers import Samples, Table
from hour_lake.layers.speech_rate import speech_rate, syllables
from hour_lake.layers.transcript import transcript
from hour_lake.layers.voice_activity import voice_activity
from hour_lake.sample.voice import RATE_HZ, sentences
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.weights import weights_folder as weights_folder

TEXTS = tomllib.loads((Path(hour_lake.sample.__path__[0]) / "voices" / "sentences.toml").read_text())["sentences"]
# Two ways of writing one thing, none of which is an error.
SPELT = {"4cm": "four centimetres", "centimeters": "centimetres", "northwest": "north west", "30": "thirty",
         "40": "forty", "11": "eleven"}  # fmt: skip


def spoken(video_id: str) -> Samples:
    """All sentences of a video with half a second of near silence around each, at 16 kHz."""
    pause = np.random.default_rng(0).normal(0, 1e-4, RATE_HZ // 2).astype(np.float32)
    whole = np.concatenate([part for sentence in sentences(video_id) for part in (pause, sentence)] + [pause])
    return Samples(resample_poly(whole, 16_000, RATE_HZ).astype(np.float32), 16_000)


def plain(text: str) -> list[str]:
    words = re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("-", " ")).split()
    return " ".join(SPELT.get(word, word) for word in words).split()


def word_errors(said: list[str], heard: list[str]) -> int:
    """Levenshtein distance in words."""
    row = np.arange(len(heard) + 1)
    for word in said:
        substituted = row[:-1] + np.array([word != other for other in heard], int)
        best = np.minimum(substituted, row[1:] + 1)
        row = np.concatenate([[row[0] + 1], best])
        row = np.minimum.accumulate(row - np.arange(len(row))) + np.arange(len(row))
    return int(row[-1])


def test_word_errors_are_counted() -> None:
    assert word_errors(["a", "b", "c", "d"], ["a", "x", "c", "d"]) == 1
    assert word_errors(["a", "b", "c", "d"], ["b", "c", "d", "e"]) == 2
    assert word_errors([], ["a"]) == 1 and word_errors(["a"], []) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("weights_folder")
def test_the_words_are_those_that_were_spoken(accuracy: Accuracy) -> None:
    errors = total = 0
    for video_id in ("collins-two-cameras", "collins-with-guest", "hopper-long-pause", "hopper-webcam"):
        sound = spoken(video_id)
        table = transcript(sound, voice_activity(sound))
        said = plain(" ".join(TEXTS[video_id]))
        errors += word_errors(said, plain(" ".join(table["word"])))
        total += len(said)
        assert (np.diff(table["start_seconds"]) >= 0).all()
        assert (table["stop_seconds"] >= table["start_seconds"]).all()
        true = sum(map(syllables, said)) / sum(len(one) / RATE_HZ for one in sentences(video_id))
        off = abs(speech_rate(table)["syllables_per_second"] / true - 1)
        accuracy("speech_rate", "syllables a second, relative error", off, below=0.15, against="corpus, text and times")
    accuracy("transcript", "word error rate", errors / total, below=0.2, against="corpus, 28 sentences of two voices")


@pytest.mark.usefixtures("weights_folder")
def test_where_nothing_is_said_nothing_is_written() -> None:
    hiss = np.random.default_rng(0).normal(0, 0.02, 80_000).astype(np.float32)
    for values in (np.zeros(80_000, np.float32), hiss):
        sound = Samples(values, 16_000)
        assert len(transcript(sound, voice_activity(sound))["word"]) == 0


def words(*rows: tuple[str, float, float]) -> Table:
    text, starts, stops = zip(*rows, strict=True)
    return {"word": np.array(text, object), "start_seconds": np.array(starts), "stop_seconds": np.array(stops)}


def test_pauses_do_not_count_for_the_rate() -> None:
    table = words(("water", 0, 0.5), ("level", 0.5, 1.0), ("rises", 2.0, 2.5), ("again", 2.5, 3.0))
    found = speech_rate(table)
    assert found["words_per_second"] == pytest.approx(2) and found["syllables_per_second"] == pytest.approx(4)
    assert found["longest_pause_seconds"] == pytest.approx(1) and found["pause_share"] == pytest.approx(1 / 3)
    assert all(np.isnan(value) for value in speech_rate(words(("alone", 0, 1))).values())


@pytest.mark.parametrize(
    ("word", "count"), [("station", 2), ("rose", 1), ("table", 2), ("the", 1), ("temperature", 4), ("7", 1)]
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count
