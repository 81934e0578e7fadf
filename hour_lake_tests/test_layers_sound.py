"""Layers that listen, against the reference implementations of the field."""

import librosa
import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from hour_lake.layers import Samples
from hour_lake.layers.loudness import loudness
from hour_lake.layers.mel import BANDS, WINDOW, mel, slaney_filters
from hour_lake.layers.voice_activity import voice_activity
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.pictures import DATA
from hour_lake_tests.weights import weights_folder as weights_folder

RATE = 48_000


def speech() -> Samples:
    """3 s of a synthetic voice (espeak-ng), 16 kHz."""
    values, rate_hz = soundfile.read(DATA / "speech.flac", dtype="float32")
    return Samples(values, rate_hz)


def tone(seconds: float, dbfs: float, hertz: float = 1000, phase: float = 0.0) -> np.ndarray:
    """A stereo sine; `dbfs` is its peak."""
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE + phase)
    return np.column_stack([wave, wave]).astype(np.float32)


def noise(seconds: float, level: float, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, (round(seconds * RATE), channels)).astype(np.float32)


def with_pauses(sound: np.ndarray) -> np.ndarray:
    return np.concatenate([sound, 0.001 * sound, 0.3 * sound, 0 * sound, sound])


@pytest.mark.parametrize(
    "sound",
    [
        noise(3, 0.1, 1),
        noise(3, 0.05, 2),
        with_pauses(noise(1.7, 0.2, 1)),
        with_pauses(noise(1.1, 0.02, 2)),
        tone(4, -20, hertz=60),
        tone(4, -9, hertz=9000),
        np.repeat(speech().values, 3)[:, None],
    ],
)
def test_integrated_loudness_is_that_of_pyloudnorm(sound: np.ndarray, accuracy: Accuracy) -> None:
    reference = pyloudnorm.Meter(RATE).integrated_loudness(sound.astype(np.float64))
    off = abs(loudness(Samples(sound, RATE))["integrated_lufs"] - reference)
    accuracy("loudness", "off pyloudnorm (LU)", off, below=0.1, against="pyloudnorm: noise, pauses, tones, speech")


@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        # EBU Tech 3341, cases 1 to 5; their middle parts shortened where that changes nothing.
        ([(10, -23)], -23),
        ([(10, -33)], -33),
        ([(3, -36), (20, -23), (3, -36)], -23),
        ([(3, -72), (3, -36), (20, -23), (3, -36), (3, -72)], -23),
        ([(20, -26), (20.1, -20), (20, -26)], -23),
    ],
)
def test_integrated_loudness_of_the_ebu_cases(
    parts: list[tuple[float, float]], lufs: float, accuracy: Accuracy
) -> None:
    sound = np.concatenate([tone(seconds, dbfs) for seconds, dbfs in parts])
    off = abs(loudness(Samples(sound, RATE))["integrated_lufs"] - lufs)
    accuracy("loudness", "integrated, error (LU)", off, below=0.1, against="EBU Tech 3341, cases 1 to 5")


@pytest.mark.parametrize(
    ("hertz", "dbfs", "phase_degrees", "dbtp"),
    # EBU Tech 3341, cases 15 to 18: at a quarter of the rate and less the highest sample can miss the peak by 3 dB.
    [(12_000, -6, 0, -6), (12_000, -6, 45, -6), (8_000, -6, 60, -6), (6_000, -6, 67.5, -6)],
)
def test_true_peak_between_the_samples(
    hertz: float, dbfs: float, phase_degrees: float, dbtp: float, accuracy: Accuracy
) -> None:
    found = loudness(Samples(tone(1, dbfs, hertz, np.radians(phase_degrees)), RATE))["true_peak_dbtp"]
    assert found <= dbtp + 0.2
    accuracy("loudness", "true peak, error (dB)", abs(found - dbtp), below=0.4, against="EBU Tech 3341, cases 15 to 18")


def test_silence_and_clipping_are_labels() -> None:
    silent = loudness(Samples(np.zeros((RATE, 2), np.float32), RATE))
    assert silent["integrated_lufs"] == -70
    assert silent["true_peak_dbtp"] == pytest.approx(-120)
    assert silent["clipped_share"] == 0
    clipped = loudness(Samples(np.clip(tone(2, 6, hertz=997), -1, 1), RATE))
    assert clipped["clipped_share"] == pytest.approx(2 / 3, abs=0.01)  # a sine of twice full scale is above it for 2/3
    assert loudness(Samples(tone(2, -1), RATE))["clipped_share"] == 0


def test_momentary_loudness_is_every_tenth_of_a_second() -> None:
    momentary = loudness(Samples(np.concatenate([tone(1, -30), tone(1, -20)]), RATE))["momentary_lufs"]
    assert len(momentary) == 17
    assert momentary[[0, 5, 16]] == pytest.approx([-30, -30, -20], abs=0.1)


@given(st.integers(1, 30_000))
@settings(max_examples=20, deadline=None)
def test_loudness_of_the_shortest_segments(samples: int) -> None:
    table = loudness(Samples(noise(1, 0.1, 1)[:samples], RATE))
    assert np.isfinite([table["integrated_lufs"], table["true_peak_dbtp"]]).all()
    assert len(table["momentary_lufs"]) == 1 + max(0, samples - 19_200) // 4_800


def test_mel_filters_are_those_of_librosa() -> None:
    reference = librosa.filters.mel(sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    assert slaney_filters(BANDS, WINDOW, 55, 7600) == pytest.approx(reference, abs=1e-6)


@pytest.mark.parametrize("preemphasis", [0.97, 0.0])
def test_mel_is_that_of_librosa(preemphasis: float, accuracy: Accuracy) -> None:
    sound = speech()
    sharp = np.append(sound.values[0], sound.values[1:] - preemphasis * sound.values[:-1])
    magnitudes = librosa.feature.melspectrogram(
        y=sharp, sr=16_000, n_fft=800, hop_length=200, n_mels=80, fmin=55, fmax=7600, power=1
    )
    reference = 20 * np.log10(np.maximum(magnitudes, 1e-5)).T - 20
    found = mel(sound, preemphasis=preemphasis)["mel_db"]
    off = np.abs(found - reference[:-1]).max()  # librosa has one more: centred on the end
    accuracy("mel", "largest difference (dB)", off, below=0.01, against="librosa, speech")


@given(st.integers(1, 375))
@settings(deadline=None)
def test_sixteen_mel_rows_for_every_five_frames(frames: int) -> None:
    rows = len(mel(Samples(np.zeros(frames * 640, np.float32), 16_000))["mel_db"])
    assert rows == -(-16 * frames // 5)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_sound_of_another_rate_is_not_measured_wrongly(rate_hz: int) -> None:
    with pytest.raises(ValueError, match="kHz"):
        mel(Samples(np.zeros(8_000, np.float32), rate_hz))
    with pytest.raises(ValueError, match="kHz"):
        loudness(Samples(np.zeros((8_000, 1), np.float32), rate_hz))


@pytest.mark.usefixtures("weights_folder")
def test_speech_is_told_from_silence_and_noise() -> None:
    quiet = np.zeros(16_000, np.float32)
    hiss = np.random.default_rng(0).normal(0, 0.02, 16_000).astype(np.float32)
    table = voice_activity(Samples(np.concatenate([quiet, speech().values, hiss]), 16_000))
    seconds = table["start_seconds"]
    assert table["is_speech"][seconds < 0.9].mean() == 0
    assert table["is_speech"][(seconds > 1.2) & (seconds < 3.8)].mean() > 0.8
    assert table["is_speech"][seconds > 4.5].mean() < 0.1
    assert np.diff(seconds) == pytest.approx(0.032)


@pytest.mark.usefixtures("weights_folder")
@pytest.mark.parametrize("samples", [1, 512, 513, 16_000])
def test_every_sample_is_in_a_window_and_calls_do_not_mix(samples: int) -> None:
    sound = Samples(speech().values[8_000 : 8_000 + samples], 16_000)
    first = voice_activity(sound)
    assert len(first["is_speech"]) == -(-samples // 512)
    assert np.array_equal(first["speech_probability"], voice_activity(sound)["speech_probability"])
