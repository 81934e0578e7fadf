"""Fetching what tasks read before workers ask for it: a remote lake's bytes come while other segments are at work."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Generic, TypeVar

from hour_lake.assets.batch import Task
from hour_lake.errors import HourLakeError
from hour_lake.ledger.landing import Made
from hour_lake.threads import ahead

Job = TypeVar("Job")


class Fetch(Generic[Job]):
    """`for job in fetch(tasks)`: jobs of the tasks whose inputs came; `fetch.failed()` afterwards: the others.

    `at_once` jobs are made ahead, each in a thread of its own; a local lake needs no thread, so 0 makes none.
    """

    def __init__(self, job_of: Callable[[Task], Job], at_once: int) -> None:
        self._job_of = job_of
        self._at_once = at_once
        self._failed: list[tuple[Task, HourLakeError]] = []

    def __call__(self, tasks: Sequence[Task]) -> Iterator[Job]:
        """Jobs in the order of their tasks; whoever takes one waits for no more than its own inputs."""
        for task, result in self._results(tasks):
            try:
                job = result()
            except HourLakeError as error:
                self._failed.append((task, error))
            else:
                yield job

    def failed(self) -> Iterator[tuple[Task, Made]]:
        """Tasks whose inputs did not come, with why: each costs itself only."""
        for task, error in self._failed:
            yield task, dict.fromkeys(task.wanted, error)

    def _results(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Callable[[], Job]]]:
        if self._at_once:
            return ahead(self._job_of, tasks, at_once=self._at_once)
        return ((task, partial(self._job_of, task)) for task in tasks)
