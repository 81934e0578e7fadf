"""Where a network runs: on CUDA when that is asked for and there, else on the CPU."""

import os
from collections.abc import Sequence
from typing import Literal

Device = Literal["cpu", "cuda"]
DEVICE_VARIABLE = "HOUR_LAKE_DEVICE"


def device_for(available: Sequence[str], *, wanted: str | None = None) -> Device:
    """`cuda` or `cpu`. `available`: ONNX Runtime's providers; `wanted`: HOUR_LAKE_DEVICE unless it is given."""
    asked = wanted if wanted is not None else os.environ.get(DEVICE_VARIABLE, "cpu")
    return "cuda" if asked == "cuda" and "CUDAExecutionProvider" in available else "cpu"


def onnx_providers(available: Sequence[str], *, wanted: str | None = None) -> list[str]:
    """What ONNX Runtime is to try, in this order."""
    cuda = ["CUDAExecutionProvider"] if device_for(available, wanted=wanted) == "cuda" else []
    return [*cuda, "CPUExecutionProvider"]
