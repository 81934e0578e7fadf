"""A few threads for work that waits on disks and networks; a signal at any moment leaves nothing locked.

Python's own pools guard what they share with locks that are taken in Python code. When a signal handler raises (Ctrl-C,
SIGTERM) between the taking and the block that gives back, the lock stays taken, and `shutdown` waits for ever: seen in
one of some hundred writers that were told to stop. Here everything goes through SimpleQueue, whose steps are single.
"""

import _thread
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast
from weakref import ref

Item = TypeVar("Item")
Result = TypeVar("Result")
CLOSE_SECONDS = 5.0
IDLE_SECONDS = 5.0


class Answer(Generic[Result]):
    """What a call gave or raised: `answer()` waits for it, and may be asked again."""

    def __init__(self) -> None:
        self.told: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._kept: tuple[Any, BaseException | None] | None = None

    def __call__(self) -> Result:
        """The result, or the error."""
        error = self.error()
        if error is not None:
            raise error
        assert self._kept is not None
        return cast(Result, self._kept[0])

    def error(self) -> BaseException | None:
        """What it raised, if it did; waits for it."""
        if self._kept is None:
            self._kept = self.told.get()
        return self._kept[1]


Job = tuple[Callable[..., Any], tuple[Any, ...], Answer[Any]]


class Threads:
    """`with Threads(4) as threads: answers = [threads.submit(work, item) for item in items]`, at most 4 at once.

    The end of the block waits for what is at work, CLOSE_SECONDS at most, and begins nothing more: ask for the answers
    within it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._started = 0
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._ended: SimpleQueue[None] = SimpleQueue()
        self._over: list[None] = []  # something in it: begin nothing more

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, work: Callable[..., Result], *arguments: Any) -> Answer[Result]:
        """Have it called by one of the threads."""
        answer = Answer[Result]()
        self._jobs.put((work, arguments, answer))
        if self._started < self._most:
            # Not `Thread`: its start waits with a lock in Python code.
            _thread.start_new_thread(_serve, (ref(self), self._jobs, self._ended, self._over))
            self._started += 1
        return answer

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items, which are all handed out at once."""
        answers = [self.submit(work, item) for item in items]
        return (answer() for answer in answers)

    def close(self) -> None:
        """End the threads; nothing to do when they have ended."""
        self._over.append(None)
        for _ in range(self._most):  # also for one that was started and not yet counted
            self._jobs.put(None)
        until = time.monotonic() + CLOSE_SECONDS
        while self._started:
            try:
                self._ended.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return
            self._started -= 1


def _serve(owner: "ref[Threads]", jobs: "SimpleQueue[Job | None]", ended: SimpleQueue[None], over: list[None]) -> None:
    while True:
        try:
            job = jobs.get(timeout=IDLE_SECONDS)
        except Empty:
            if owner() is None:  # nobody closed them; a finalizer would swallow what a signal handler raises in it
                return
            continue
        if job is None:
            break
        work, arguments, answer = job
        try:
            if over:
                raise CancelledError
            answer.told.put((work(*arguments), None))
        except BaseException as error:
            answer.told.put((None, error))
        del job, work, arguments, answer  # nothing is held while there is nothing to do
    ended.put(None)


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, at_once: int
) -> Generator[tuple[Item, Answer[Result]]]:
    """Each item, in order, with the answer to `work(item)`; `at_once` threads, and as many answers waiting at most."""
    waiting: deque[tuple[Item, Answer[Result]]] = deque()
    with Threads(at_once) as threads:
        for item in items:
            waiting.append((item, threads.submit(work, item)))
            if len(waiting) > at_once:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
