"""How the steps of a run are executed: in the run's own process on one machine, a pod a step on Kubernetes."""

import os

import dagster as dg

# A step that failed for some segments has still made its output for the others: what comes after it must start.
SOFT = {"step_dependency_config": {"require_upstream_step_success": False}}


def executor() -> dg.ExecutorDefinition:
    """`HOUR_LAKE_EXECUTOR=k8s` runs a pod a step (extra `k8s`); else steps share a process and its warm workers."""
    if os.environ.get("HOUR_LAKE_EXECUTOR") == "k8s":
        from dagster_k8s import k8s_job_executor  # pyright: ignore[reportMissingImports]  # an extra

        return k8s_job_executor.configured({**SOFT, "max_concurrent": 8})
    return dg.in_process_executor.configured(SOFT)
