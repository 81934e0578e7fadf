"""A TensorFlow Lite network, opened once a process and run on one thread, so that it answers the same everywhere."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.models.store import weights

Floats = NDArray[np.float32]


@cache
def network(name: str, asked_by: str) -> Callable[[Floats], list[Floats]]:
    """A function from one input to the outputs, in the order in which the network lists them; not for two threads.

    The outputs are copies. MODEL_MISSING or MODEL_REFUSED when the weights are not here or not allowed for `asked_by`.
    """
    from ai_edge_litert.interpreter import Interpreter  # loads a large library: only where something is run

    interpreter: Any = Interpreter(model_content=weights(name, asked_by=asked_by), num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    exits = [output["index"] for output in interpreter.get_output_details()]

    def run(values: Floats) -> list[Floats]:
        interpreter.set_tensor(entry, values)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in exits]

    return run
