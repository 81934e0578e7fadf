"""What ONNX Runtime is told about CUDA: where its libraries lie, and to calculate there as on the CPU."""

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import cache
from typing import Any

from hour_lake.models.device import CUDA, Device, onnx_providers

# By itself it rounds what goes into a product to 10 bits (TF32) and times each way of a convolution anew, in each
# process and for each shape, to take the fastest.
CUDA_OPTIONS: Mapping[str, Any] = {"use_tf32": 0, "cudnn_conv_algo_search": "HEURISTIC"}


def providers_for(device: Device) -> list[str]:
    """What is to be tried, in this order; the libraries that CUDA needs are loaded."""
    import onnxruntime  # loads a large library: only where something is run

    providers = onnx_providers(onnxruntime.get_available_providers(), wanted=device)
    if CUDA in providers:
        _load_libraries()
    return providers


def opened(model: bytes, *, device: Device) -> Any:
    """A session on one thread; on the CPU where CUDA is there but does not start, and then stderr has the reason."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True  # CUDA has faster ways that differ from run to run
    providers = [(name, dict(CUDA_OPTIONS) if name == CUDA else {}) for name in providers_for(device)]
    with redirect_stdout(sys.stderr):  # where it says that it falls back; stdout may be a command's answer
        return onnxruntime.InferenceSession(model, options, providers=providers)


@cache
def _load_libraries() -> None:
    """Those that pip has installed, which the loader does not find by itself."""
    import onnxruntime

    with redirect_stdout(sys.stderr):
        onnxruntime.preload_dlls()
