"""What a layer's `compute`, `memory_gib` and `pool` mean to Dagster: its pool, and the pod that a cluster gives it."""

from collections.abc import Mapping, Sequence
from typing import Any

from hour_lake.models.device import asked_for
from hour_lake.passes.declare import Layer

GPU_POD = {
    "node_selector": {"hourlake.io/pool": "gpu"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
}


def pool_for(layers: Sequence[Layer]) -> str | None:
    """The pool of the step that makes these layers; a limit on `gpu` is a limit on GPUs in use, CPU passes need none.

    A pass holds layers of one pool, and tables made from theirs: see `passes.plan`.
    """
    pools = {layer.pool_in_force for layer in layers} - {None}
    if len(pools) > 1:
        raise ValueError(f"one step in two pools: {sorted(map(str, pools))}")
    return pools.pop() if pools else None


def on_gpu(layers: Sequence[Layer]) -> bool:
    """Whether these layers are made in the GPU worker, which has no memory limit: CUDA cannot start within one.

    Those declared for a GPU always are; others when HOUR_LAKE_DEVICE sends their networks there.
    """
    return any(layer.compute == "gpu" or (layer.all_models and asked_for("cpu") == "cuda") for layer in layers)


def op_tags_for(layers: Sequence[Layer]) -> Mapping[str, Any]:
    """Pod settings read by Dagster's Kubernetes executor, and ignored on one machine."""
    memory = f"{max([1.0, *(layer.memory_gib for layer in layers)]):g}Gi"
    resources: dict[str, Any] = {"requests": {"memory": memory}, "limits": {"memory": memory}}
    gpu = any(layer.compute == "gpu" for layer in layers)
    if gpu:
        resources["limits"]["nvidia.com/gpu"] = 1
    return {
        "dagster-k8s/config": {
            "container_config": {"resources": resources},
            **({"pod_spec_config": GPU_POD} if gpu else {}),
        }
    }
