"""Layers that measure sound, against signals whose answer is known and against librosa."""

import librosa
import numpy as np
import pytest
from scipy import signal

from hour_lake.layers import Samples
from hour_lake.layers.bandwidth import bandwidth
from hour_lake.layers.clipping import clipping
from hour_lake.layers.mfcc import mfcc
from hour_lake.layers.pitch import pitch
from hour_lake.layers.silence import silence
from hour_lake.layers.snr import snr
from hour_lake.layers.voice_activity import voice_activity
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.test_layers_sound import speech
from hour_lake_tests.weights import weights_folder as weights_folder


def tone(hertz: float, *, seconds: float = 2.0, level: float = 0.5, rate_hz: int = 16_000) -> Samples:
    wave = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate_hz)) / rate_hz)
    return Samples(wave.astype(np.float32), rate_hz)


def hiss(seconds: float, level: float, rate_hz: int = 48_000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, round(seconds * rate_hz)).astype(np.float32)


@pytest.mark.usefixtures("weights_folder")
@pytest.mark.parametrize("decibels", [10, 20, 30, 40])
def test_snr_is_that_of_the_mixture(decibels: float, accuracy: Accuracy) -> None:
    voice = np.concatenate([np.zeros(16_000), speech().values, np.zeros(16_000)]).astype(np.float32)
    spoken = voice_activity(Samples(voice, 16_000))["is_speech"]
    level = np.sqrt(np.mean(voice[: len(spoken) * 512].repeat(1)[np.repeat(spoken, 512)[: len(voice)]] ** 2))
    mixed = voice + hiss(len(voice) / 16_000, level * 10 ** (-decibels / 20), 16_000)
    sound = Samples(mixed.astype(np.float32), 16_000)
    found = snr(sound, voice_activity(sound))["snr_db"]
    accuracy("snr", "error (dB)", abs(found - decibels), below=1.5, against="speech mixed with noise at 10 to 40 dB")


@pytest.mark.usefixtures("weights_folder")
def test_without_speech_there_is_no_ratio() -> None:
    sound = Samples(np.zeros(16_000, np.float32), 16_000)
    assert np.isnan(snr(sound, voice_activity(sound))["snr_db"])


@pytest.mark.parametrize("edge_hz", [3400, 4000, 7000, 8000, 11_025, 16_000])
def test_bandwidth_is_where_the_filter_ends(edge_hz: float, accuracy: Accuracy) -> None:
    low = signal.firwin(2001, edge_hz, fs=48_000, window=("kaiser", 12))
    found = bandwidth(Samples(signal.convolve(hiss(4, 0.1), low, "same").astype(np.float32)[:, None], 48_000))
    off = abs(found["highest_hz"] - edge_hz) / edge_hz
    accuracy("bandwidth", "highest frequency, relative error", off, below=0.05, against="noise under steep low-passes")


def test_bandwidth_of_all_and_of_nothing() -> None:
    assert bandwidth(Samples(hiss(2, 0.1)[:, None], 48_000))["highest_hz"] > 23_900
    assert bandwidth(Samples(np.zeros((48_000, 2), np.float32), 48_000))["highest_hz"] == 0


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_clipping_is_found_at_whatever_level(gain: float, accuracy: Accuracy) -> None:
    wave = 1.5 * np.sin(2 * np.pi * 200 * np.arange(48_000) / 48_000)
    table = clipping(Samples((gain * np.clip(wave, -1, 1)).astype(np.float32)[:, None], 48_000))
    assert table["clips"] == 400  # twice a period
    off = abs(table["clipped_share"] / np.mean(np.abs(wave) >= 1) - 1)
    accuracy("clipping", "share, relative error", off, below=0.02, against="a sine cut at 2/3 of its peak, two levels")


def test_a_wave_that_is_whole_does_not_clip() -> None:
    voice = np.repeat(speech().values, 3)  # a step of three equal samples, as a bad resampler makes
    assert clipping(tone(3000, rate_hz=48_000))["clips"] == 0
    assert clipping(Samples(hiss(2, 0.2)[:, None], 48_000))["clips"] == 0
    assert clipping(Samples(0.01 * voice[:, None], 48_000))["clips"] == 0
    time = np.arange(48_000)[:, None] / 48_000
    for deep_hz in (40, 80, 150, 300):  # their round tops have 3 to 24 samples near the peak
        partials = sum(level * np.sin(2 * np.pi * deep_hz * k * time) for k, level in ((1, 0.3), (2, 0.05), (3, 0.02)))
        assert clipping(Samples(np.asarray(partials, np.float32), 48_000))["clips"] == 0


def test_silence_begins_and_ends_where_it_does(accuracy: Accuracy) -> None:
    quiet = hiss(0.5, 1e-4, 16_000)
    sound = np.concatenate([quiet, tone(300, seconds=1).values, quiet[:1600], tone(300, seconds=1).values, quiet])
    table = silence(Samples(sound, 16_000))
    found = np.array([table["start_seconds"], table["stop_seconds"]])
    assert found.shape == (2, 2)  # the pause of 0.1 s is too short
    off = np.abs(found - [[0, 2.6], [0.5, 3.1]]).max()
    accuracy("silence", "begin and end, largest error (s)", off, below=0.011, against="pauses between tones")
    assert len(silence(tone(300))["start_seconds"]) == 0


@pytest.mark.parametrize("hertz", [70.0, 110.0, 220.0, 441.3])
def test_the_pitch_of_a_voice_like_wave(hertz: float, accuracy: Accuracy) -> None:
    times = np.arange(32_000) / 16_000
    wave = sum(np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 9)) * 0.1
    found = pitch(Samples(wave.astype(np.float32), 16_000))["pitch_hz"][5:-10]
    off = np.abs(1200 * np.log2(found / hertz)).max()
    accuracy("pitch", "error on tones (cents)", off, below=10, against="tones of eight partials, 70 to 441 Hz")


def test_the_pitch_of_speech_is_that_of_librosa(accuracy: Accuracy) -> None:
    sound = speech()
    found = pitch(sound)["pitch_hz"]
    reference, voiced, _ = librosa.pyin(
        sound.values, fmin=60, fmax=500, sr=16_000, frame_length=1024, hop_length=160, center=True
    )
    both = voiced[: len(found)] & ~np.isnan(found[: len(voiced)])
    same = np.abs(1200 * np.log2(found[both] / reference[: len(found)][both])) < 50
    assert np.count_nonzero(both) > 0.2 * len(found)
    accuracy("pitch", "speech: share within half a semitone", same.mean(), above=0.9, against="librosa.pyin")


@pytest.mark.parametrize("beyond_hz", [55, 540])
def test_a_tone_beyond_the_range_has_no_pitch_at_its_edge(beyond_hz: float) -> None:
    found = pitch(tone(beyond_hz))["pitch_hz"]
    assert not np.any((found < 60) | (found > 500))


def test_noise_and_silence_have_no_pitch() -> None:
    assert np.isnan(pitch(Samples(hiss(1, 0.1, 16_000), 16_000))["pitch_hz"]).mean() > 0.95
    assert np.isnan(pitch(Samples(np.zeros(16_000, np.float32), 16_000))["pitch_hz"]).all()


@pytest.mark.parametrize("sound", [speech(), tone(440), Samples(hiss(1, 0.1, 16_000), 16_000)])
def test_mfcc_is_that_of_librosa(sound: Samples, accuracy: Accuracy) -> None:
    reference = librosa.feature.mfcc(
        y=sound.values, sr=16_000, n_mfcc=20, n_fft=400, hop_length=160, n_mels=128, fmin=0, fmax=8000
    ).T
    found = mfcc(sound)["mfcc"]
    assert found.shape == reference.shape
    accuracy(
        "mfcc", "largest difference", np.abs(found - reference).max(), below=0.05, against="librosa, speech and tones"
    )
