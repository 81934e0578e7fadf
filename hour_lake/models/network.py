"""A TensorFlow Lite network, opened once a process and run on one thread, so that it answers the same everywhere."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.models import network_gpu
from hour_lake.models.device import Device, asked, ran_on
from hour_lake.models.store import Asker, weights

Floats = NDArray[np.float32]


def network(name: str, asked_by: str) -> Callable[[Floats], list[Floats]]:
    """A function from one input to the outputs, in the order in which the network lists them; not for two threads.

    The outputs are copies. MODEL_MISSING or MODEL_REFUSED when the weights are not here or not allowed for `asked_by`.
    """
    return _opened(name, Asker(asked_by), asked())


@cache
def _opened(name: str, asker: Asker, device: Device) -> Callable[[Floats], list[Floats]]:
    data = weights(name, asked_by=asker.name)
    on_gpu = network_gpu.run_on_gpu(data) if device == "cuda" else None
    answer, used = (on_gpu, network_gpu.DEVICE) if on_gpu else (run_on_cpu(data), "cpu")

    def run(values: Floats) -> list[Floats]:
        ran_on(used)
        return answer(values)

    return run


def run_on_cpu(data: bytes) -> Callable[[Floats], list[Floats]]:
    """The network of a file's bytes, on one thread."""
    from ai_edge_litert.interpreter import Interpreter  # loads a large library: only where something is run

    interpreter: Any = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    exits = [output["index"] for output in interpreter.get_output_details()]

    def run(values: Floats) -> list[Floats]:
        interpreter.set_tensor(entry, values)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in exits]

    return run
