"""DistillMOS: how good speech sounds to people, from 1 (bad) to 5 (excellent), for 7.68 s of 16 kHz sound at a time.

Spectrum (20 ms every 10 ms, its magnitude to the power of 0.3) -> six convolutions -> transformer of 7 layers -> one
weighted mean -> a number. Stahl and Gamper 2025; every size is that of distillmos 0.9.1.
"""

from functools import cache
from typing import Any

import numpy as np

from hour_lake.models.network import Floats
from hour_lake.models.store import Asker
from hour_lake.models.torch_network import one_thread, place_for, tensors, torch_for, values_of

SAMPLES, MOST_APART, WINDOW, STEP = 122_880, 16_000, 320, 160
WIDTH, HEADS, LAYERS = 200, 8, 7


def piece_starts(samples: int) -> list[int]:
    """At which samples the pieces of 7.68 s begin: evenly, at most 1 s apart; the last ends with the sound."""
    over = max(0, samples - SAMPLES)
    return [int(place * over) for place in np.linspace(0, 1, -(-over // MOST_APART) + 1)]


def speech_mos(piece: Floats, *, asked_by: str) -> float:
    """1..5 for `(n,)` samples of at most 7.68 s, the rest filled up with silence, in 0.35 s.

    How loud it is does not count.
    """
    torch = torch_for(asked_by)
    filled = np.pad(piece, (0, SAMPLES - len(piece)))
    sound, place = (filled / (np.abs(filled).max() + 1e-8)).astype(np.float32), place_for(torch)
    with one_thread(torch):
        return values_of(_Network.opened(Asker(asked_by), place)(torch.from_numpy(sound)[None].to(place))).item()


class _Network:
    """The tensors of the file, and the way through them."""

    def __init__(self, torch: Any, state: dict[str, Any], place: str) -> None:
        self.torch, self.use, self.state = torch, torch.nn.functional, state
        layer = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, batch_first=True)
        self.transformer = torch.nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        own = "transformer_pool_attn.transformer.transformer_encoder."
        self.transformer.load_state_dict({k.removeprefix(own): v for k, v in state.items() if k.startswith(own)})
        self.transformer.to(place).eval()

    @staticmethod
    @cache
    def opened(asker: Asker, place: str) -> "_Network":
        state = tensors("distill_mos", asked_by=asker.name, place=place)["model"]
        return _Network(torch_for(asker.name), state, place)

    def __call__(self, sound: Any) -> Any:
        found = self.features(self.spectrum(sound))
        found = self.normalised(self.normalised(found, "norm_input"), "transformer.norm")
        found = self.linear(found, "transformer.linear_proj") + self.own("transformer.position_encoding.pe")
        found = self.normalised(self.transformer(found), "norm_trans")
        weights = self.linear(self.use.relu(self.linear(found, "pool.linear1")), "pool.linear2").softmax(dim=1)
        return 1 + 4 * self.torch.sigmoid(self.linear((weights * found).sum(dim=1), "pool.linear3"))

    def spectrum(self, sound: Any) -> Any:
        """`(1, samples)` -> real and imaginary part, `(1, 2, 161, rows)`."""
        padded = self.use.pad(sound, ((WINDOW - STEP) // 2,) * 2, mode="reflect")
        hann = self.torch.hann_window(WINDOW, device=sound.device)
        parts = self.torch.view_as_real(
            self.torch.stft(padded, WINDOW, STEP, window=hann, center=False, return_complex=True)
        )
        size = parts.square().sum(dim=-1, keepdim=True).sqrt().clip(1e-12)
        return (size**0.3 * parts / size).permute(0, 3, 1, 2)

    def features(self, spectrum: Any) -> Any:
        """-> `(1, rows / 2, 1024)`. All but the first halve the frequencies, the last halves the times."""
        for k in range(6):
            weight, bias = (self.state[f"cnn.cnn.{2 * k}.{part}"] for part in ("weight", "bias"))
            stride = (1 if k == 0 else 2, 2 if k == 5 else 1)
            spectrum = self.use.leaky_relu(self.use.conv2d(spectrum, weight, bias, stride, (0, 1)), 0.1)
        return spectrum.flatten(1, 2).transpose(1, 2)

    def own(self, name: str) -> Any:
        return self.state[f"transformer_pool_attn.{name}"]

    def linear(self, values: Any, name: str) -> Any:
        return self.use.linear(values, self.own(f"{name}.weight"), self.own(f"{name}.bias"))

    def normalised(self, values: Any, name: str) -> Any:
        parts = (self.own(f"{name}.{part}") for part in ("running_mean", "running_var", "weight", "bias"))
        return self.use.batch_norm(values.transpose(1, 2), *parts).transpose(1, 2)
