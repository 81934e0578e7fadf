"""GE2E, the speaker encoder of Resemblyzer: what a voice is like, as 256 numbers for each 1.6 s of speech.

Mel power (40 bands, 25 ms every 10 ms) -> LSTM of 3 layers of 256 -> last state -> linear -> ReLU -> length 1.
Wan et al. 2018; the sizes, the mel bands and the steps are those of Resemblyzer 0.1.4.
"""

from functools import cache
from typing import Any

import numpy as np

from hour_lake.layers.mel import slaney_filters
from hour_lake.models.network import Floats
from hour_lake.models.store import Asker
from hour_lake.models.torch_network import one_thread, place_for, tensors, torch_for, values_of

BANDS, WINDOW, STEP = 40, 400, 160  # samples of 16 kHz sound
ROWS, EVERY = 160, 77  # of the spectrogram: 1.6 s, 1.3 times a second
LEAST_FILLED = 0.75  # of the last 1.6 s, or it is left out


def voices(samples: Floats, *, asked_by: str) -> Floats:
    """`(n,)` samples at 16 kHz -> `(pieces, 256)`, each of length 1 and nowhere negative; at least one piece.

    Expects speech without long pauses. 8 s of sound take about 0.1 s, the first time 0.2 s more.
    """
    torch = torch_for(asked_by)
    place = place_for(torch)
    lstm, weight, bias = _network(Asker(asked_by), place)
    starts = piece_starts(len(samples))
    missing = max(0, (starts[-1] + ROWS) * STEP - len(samples))
    rows = mel_power(np.pad(samples, (0, missing)))
    pieces = torch.from_numpy(np.stack([rows[start : start + ROWS] for start in starts])).to(place)
    with one_thread(torch):
        hidden = lstm(pieces)[1][0][-1]
        raw = torch.relu(torch.nn.functional.linear(hidden, weight, bias))
        return values_of(torch.nn.functional.normalize(raw, dim=1))


def piece_starts(samples: int) -> list[int]:
    """Rows of the spectrogram at which pieces begin.

    25,600 samples are one piece, 31,000 too (the second would be filled by 0.73 only), 32,000 are two.
    """
    rows = -(-(samples + 1) // STEP)
    starts = list(range(0, max(1, rows - ROWS + EVERY + 1), EVERY))
    filled = (samples - starts[-1] * STEP) / (ROWS * STEP)
    return starts[:-1] if len(starts) > 1 and filled < LEAST_FILLED else starts


def mel_power(samples: Floats) -> Floats:
    """`(rows, 40)`: row k is of 25 ms around sample 160 k. The same as librosa.feature.melspectrogram's."""
    padded = np.pad(samples.astype(np.float64), WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(windows * hann, axis=1)) ** 2
    return (power @ slaney_filters(BANDS, WINDOW, 0, 8000).T).astype(np.float32)


@cache
def _network(asker: Asker, place: str) -> tuple[Any, Any, Any]:
    torch = torch_for(asker.name)
    state = tensors("ge2e_speaker", asked_by=asker.name, place=place)["model_state"]
    lstm = torch.nn.LSTM(BANDS, 256, 3, batch_first=True)
    lstm.load_state_dict({name[5:]: value for name, value in state.items() if name.startswith("lstm.")})
    return lstm.to(place).eval(), state["linear.weight"], state["linear.bias"]
