"""What assets get from Dagster: the opened project, the run's branch, and its fence."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import dagster as dg

from hour_lake.assets.lease import lease
from hour_lake.errors import LakeError
from hour_lake.ledger.project import Project

BRANCH_TAG = "hour_lake/branch"


class ProjectResource(dg.ConfigurableResource[Project]):
    """The project of this process: settings, lake, layers, and one warm pool of workers.

    `refresh` in the run configuration makes everything that is selected anew, fresh or not.
    """

    refresh: bool = False

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Any]:
        """Held for as long as steps of a run are executed here: the run's lease."""
        run = context.run
        with lease(self.get().settings.home, run.run_id) if run else nullcontext():
            yield self

    def get(self) -> Project:
        """The same object for all steps that run in this process."""
        return _opened()


@cache
def _opened() -> Project:
    return Project.open()


def branch_of(context: dg.AssetExecutionContext, project: Project) -> str:
    """The lake branch that a run writes to: its tag `hour_lake/branch`, else the settings' branch."""
    return context.run.tags.get(BRANCH_TAG, project.settings.branch)


def fence_of(context: dg.AssetExecutionContext) -> Callable[[], None]:
    """Refuses to publish for a run that Dagster has given up on; its step may still be alive and come back late."""

    def check() -> None:
        run = context.instance.get_run_by_id(context.run_id)
        if run is None or run.is_finished:
            status = "deleted" if run is None else run.status.value
            raise LakeError(
                "FENCED", "this run is over, so it must not publish", value=status, where=context.run_id,
                fix="start a new run; what had landed is kept",
            )  # fmt: skip

    return check
