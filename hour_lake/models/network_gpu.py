"""A TensorFlow Lite network on a GPU: LiteRT knows no CUDA, it drives GPUs by WebGPU (on Linux over Vulkan)."""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Run = Callable[[Floats], list[Floats]]
DEVICE = "webgpu"


def run_on_gpu(data: bytes) -> Run | None:
    """The network on the GPU, in 32 bits; None where there is no GPU, or it cannot do all of the network."""
    try:
        return compiled(data, on="GPU")
    except RuntimeError:  # all that LiteRT says of it; its reasons are on stderr
        return None


def compiled(data: bytes, *, on: Literal["CPU", "GPU"]) -> Run:
    """The network compiled for one accelerator alone: what that cannot do is refused with RuntimeError."""
    from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, GpuOptions, HardwareAccelerator, Options

    options: Any = Options(
        hardware_accelerators=HardwareAccelerator[on], cpu_options=CpuOptions(num_threads=1),
        gpu_options=GpuOptions(enforce_f32=True),
    )  # fmt: skip
    model: Any = CompiledModel.from_buffer(data, options=options)
    if not model.is_fully_accelerated():
        raise RuntimeError(f"not all of the network runs on the {on}")
    signature = model.get_signature_by_index(0)
    details = model.get_output_tensor_details(signature["key"])
    shapes = [details[name]["shape"] for name in signature["outputs"]]
    entries, exits = model.create_input_buffers(0), model.create_output_buffers(0)

    def run(values: Floats) -> list[Floats]:
        entries[0].write(values)
        model.run_by_index(0, entries, exits)
        found = zip(exits, shapes, strict=True)
        return [exit.read(math.prod(shape), np.float32).reshape(shape) for exit, shape in found]

    return run
