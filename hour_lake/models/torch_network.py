"""PyTorch, which is an extra: imported where it is used, on one thread; of its weight files only tensors are read."""

import io
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from hour_lake.errors import ModelError
from hour_lake.models.device import device_for, ran_on
from hour_lake.models.network import Floats
from hour_lake.models.store import weights


def torch_for(asked_by: str) -> Any:
    """The module `torch`; MODEL_MISSING names the extra when it is not installed."""
    try:
        return import_module("torch")
    except ImportError as error:
        raise ModelError("MODEL_MISSING", "the layer runs on PyTorch, which is not installed", value="torch",
                         where=asked_by, fix="pip install 'hour-lake[torch]'") from error  # fmt: skip


def place_for(torch: Any) -> str:
    """Where tensors go: `cuda` when the layer that runs asks for it and it is there, else `cpu`."""
    return device_for(present=torch.cuda.is_available())


def tensors(name: str, *, asked_by: str, place: str) -> Any:
    """What the weight file of a model holds: name -> tensor or a dict of these; anything else in it is refused."""
    torch = torch_for(asked_by)
    return torch.load(io.BytesIO(weights(name, asked_by=asked_by)), map_location=place, weights_only=True)


def values_of(tensor: Any) -> Floats:
    """The values of a result; where it was worked out is noted."""
    ran_on(str(tensor.device))
    return np.asarray(tensor.cpu().numpy(), np.float32)


@contextmanager
def one_thread(torch: Any) -> Generator[None, None, None]:
    """On one thread and without gradients, so that it answers the same everywhere; afterwards as before.

    On CUDA in the ways that cuDNN repeats, and in all 32 bits.
    """
    threads, cudnn = torch.get_num_threads(), torch.backends.cudnn
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(threads)
