"""Fetching what tasks read before workers ask for it: a remote lake's bytes come while other segments are at work."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

from hour_lake.assets.batch import Task
from hour_lake.errors import HourLakeError
from hour_lake.ledger.landing import Made

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
        for task, result in self._ahead(tasks) if self._at_once else self._in_turn(tasks):
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

    def _in_turn(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Callable[[], Job]]]:
        return ((task, partial(self._job_of, task)) for task in tasks)

    def _ahead(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Callable[[], Job]]]:
        waiting: deque[tuple[Task, Future[Job]]] = deque()
        with ThreadPoolExecutor(self._at_once, thread_name_prefix="fetch") as pool:
            for task in tasks:
                waiting.append((task, pool.submit(self._job_of, task)))
                if len(waiting) > self._at_once:
                    first, future = waiting.popleft()
                    yield first, future.result
            for first, future in waiting:
                yield first, future.result
