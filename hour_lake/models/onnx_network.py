"""A network on ONNX Runtime, opened once a process and run on one thread, so that it answers the same everywhere."""

from collections.abc import Callable
from functools import cache
from typing import Any

from hour_lake.models.device import Device, asked, device_of_session, onnx_providers, ran_on
from hour_lake.models.network import Floats
from hour_lake.models.store import weights


def onnx_network(name: str, asked_by: str) -> Callable[[Floats], list[Floats]]:
    """A function from one input to the outputs, in the order in which the network lists them."""
    return _opened(name, asked_by, asked())


@cache
def _opened(name: str, asked_by: str, device: Device) -> Callable[[Floats], list[Floats]]:
    import onnxruntime  # loads a large library: only where something is run

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True  # CUDA has faster ways that differ from run to run
    providers = onnx_providers(onnxruntime.get_available_providers(), wanted=device)
    session: Any = onnxruntime.InferenceSession(weights(name, asked_by=asked_by), options, providers=providers)
    entry, used = session.get_inputs()[0].name, device_of_session(session)

    def run(values: Floats) -> list[Floats]:
        ran_on(used)
        return session.run(None, {entry: values})

    return run
