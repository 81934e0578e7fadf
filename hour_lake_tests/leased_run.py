"""A process that executes a run and never ends by itself: `python -m hour_lake_tests.leased_run INSTANCE [early]`.

With `early` it has no project yet when it hangs, as if its code took long to load.
"""

import sys
import time

import dagster as dg

from hour_lake.assets.project import ProjectResource


@dg.asset
def works(context: dg.AssetExecutionContext, project: ProjectResource) -> None:
    """Says that it works, and works for ever."""
    print(context.run_id, flush=True)
    time.sleep(600)


@dg.asset
def without_project(context: dg.AssetExecutionContext) -> None:
    """The same, with no lease."""
    print(context.run_id, flush=True)
    time.sleep(600)


def job() -> dg.JobDefinition:
    """The job that hangs."""
    return _job("works")


def early_job() -> dg.JobDefinition:
    """The job that hangs before it has a project."""
    return _job("without_project")


def _job(name: str) -> dg.JobDefinition:
    jobs = [dg.define_asset_job("hangs", name)]
    defs = dg.Definitions([works, without_project], jobs=jobs, resources={"project": ProjectResource()},
                          executor=dg.in_process_executor)  # fmt: skip
    return defs.resolve_job_def("hangs")


if __name__ == "__main__":
    with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
        dg.execute_job(dg.reconstructable(early_job if sys.argv[2:] else job), instance)
