"""PyTorch, which is an extra: imported where it is used, on one thread; of its weight files only tensors are read."""

import io
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from hour_lake.errors import ModelError
from hour_lake.models.store import weights


def torch_for(asked_by: str) -> Any:
    """The module `torch`; MODEL_MISSING names the extra when it is not installed."""
    try:
        return import_module("torch")
    except ImportError as error:
        raise ModelError("MODEL_MISSING", "the layer runs on PyTorch, which is not installed", value="torch",
                         where=asked_by, fix="pip install 'hour-lake[torch]'") from error  # fmt: skip


def tensors(name: str, *, asked_by: str) -> Any:
    """What the weight file of a model holds: name -> tensor or a dict of these; anything else in it is refused."""
    torch = torch_for(asked_by)
    return torch.load(io.BytesIO(weights(name, asked_by=asked_by)), map_location="cpu", weights_only=True)


@contextmanager
def one_thread(torch: Any) -> Generator[None, None, None]:
    """On one thread and without gradients, so that it answers the same everywhere; afterwards as before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)
