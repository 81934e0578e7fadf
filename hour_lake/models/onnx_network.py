"""A network on ONNX Runtime, opened once a process and run on one thread, so that it answers the same everywhere."""

from collections.abc import Callable
from functools import cache

from hour_lake.models.device import Device, asked, device_of_session, ran_on
from hour_lake.models.network import Floats
from hour_lake.models.onnx_session import opened
from hour_lake.models.store import Asker, weights


def onnx_network(name: str, asked_by: str) -> Callable[[Floats], list[Floats]]:
    """A function from one input to the outputs, in the order in which the network lists them."""
    return _opened(name, Asker(asked_by), asked())


@cache
def _opened(name: str, asker: Asker, device: Device) -> Callable[[Floats], list[Floats]]:
    session = opened(weights(name, asked_by=asker.name), device=device)
    entry = session.get_inputs()[0].name

    def run(values: Floats) -> list[Floats]:
        answer = session.run(None, {entry: values})
        ran_on(device_of_session(session))  # afterwards: when CUDA fails on the way, the session moves to the CPU
        return answer

    return run
