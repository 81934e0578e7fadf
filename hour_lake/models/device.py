"""Where networks run: on CUDA when that is asked for and there, else on the CPU; and where they did run.

engine   with placed("gpu", used): layer(...)      a layer's `compute` asks; HOUR_LAKE_DEVICE overrides it
runner   asked() == "cuda" -> tries CUDA           opened once for each answer
         ran_on("cuda:0")  -> used                 at each use, as the library itself says
"""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from hour_lake.errors import ConfigError

Device = Literal["cpu", "cuda"]
DEVICE_VARIABLE = "HOUR_LAKE_DEVICE"
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_asked: ContextVar[Device | None] = ContextVar("asked", default=None)
_used: ContextVar[set[str] | None] = ContextVar("used", default=None)


def asked_for(compute: str) -> Device:
    """What a layer with this `compute` asks for: HOUR_LAKE_DEVICE if it is set, else `cuda` for `gpu`."""
    told = os.environ.get(DEVICE_VARIABLE) or ("cuda" if compute == "gpu" else "cpu")
    if told == "cuda":
        return "cuda"
    if told == "cpu":
        return "cpu"
    raise ConfigError("CONFIG_TYPE", f"{DEVICE_VARIABLE} is cpu or cuda", value=told, where=DEVICE_VARIABLE,
                      fix=f"unset {DEVICE_VARIABLE}: then each layer's `compute` says it")  # fmt: skip


def asked() -> Device:
    """What is asked for here: by the layer that runs, or outside of any by HOUR_LAKE_DEVICE."""
    return _asked.get() or asked_for("cpu")


@contextmanager
def placed(compute: str, used: set[str]) -> Generator[None]:
    """Networks that run within are asked for on the device of this `compute`; where they ran is added to `used`."""
    wanted, noted = _asked.set(asked_for(compute)), _used.set(used)
    try:
        yield
    finally:
        _asked.reset(wanted)
        _used.reset(noted)


def ran_on(device: str) -> None:
    """Say that a network has just run on a device: `cpu`, `cuda:0`, `webgpu`."""
    used = _used.get()
    if used is not None:
        used.add(device)


def device_for(*, present: bool, wanted: Device | None = None) -> Device:
    """`cuda` when it is asked for (`wanted`, or by the layer that runs) and present, else `cpu`."""
    return "cuda" if (wanted or asked()) == "cuda" and present else "cpu"


def onnx_providers(available: Sequence[str], *, wanted: Device | None = None) -> list[str]:
    """What ONNX Runtime is to try, in this order, of the providers it has."""
    return [*([CUDA] if device_for(present=CUDA in available, wanted=wanted) == "cuda" else []), CPU]


def device_of_session(session: Any) -> str:
    """Where an ONNX Runtime session runs, read back from it: a provider that could not be started is not in it."""
    if CUDA not in session.get_providers():
        return "cpu"
    return f"cuda:{session.get_provider_options()[CUDA].get('device_id', '0')}"
