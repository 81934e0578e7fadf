"""What a layer's `compute` and `memory_gib` mean to Dagster: its pool, and the pod that a cluster gives it."""

from collections.abc import Mapping, Sequence
from typing import Any

from hour_lake.passes.declare import Layer

GPU_POOL = "gpu"


def pool_for(layers: Sequence[Layer]) -> str | None:
    """GPU passes share a pool, so that a limit on it is a limit on GPUs in use; CPU passes need none."""
    return GPU_POOL if any(layer.compute == "gpu" for layer in layers) else None


def op_tags_for(layers: Sequence[Layer]) -> Mapping[str, Any]:
    """Pod settings read by Dagster's Kubernetes executor, and ignored on one machine."""
    memory = f"{max([1.0, *(layer.memory_gib for layer in layers)]):g}Gi"
    resources: dict[str, Any] = {"requests": {"memory": memory}, "limits": {"memory": memory}}
    pod: dict[str, Any] = {}
    if pool_for(layers) == GPU_POOL:
        resources["limits"]["nvidia.com/gpu"] = 1
        pod = {
            "node_selector": {"hourlake.io/pool": "gpu"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        }
    return {
        "dagster-k8s/config": {
            "container_config": {"resources": resources},
            **({"pod_spec_config": pod} if pod else {}),
        }
    }
