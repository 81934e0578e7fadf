"""Work done ahead in threads: results in the order of their items, at most a few of them waiting."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, at_once: int, name: str
) -> Generator[tuple[Item, Callable[[], Result]]]:
    """Each item with a call that waits for `work(item)` and gives what it returned or raised.

    `at_once` threads, called `name`, and as many results beyond the one that is asked for: memory holds no more.
    """
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(at_once, thread_name_prefix=name) as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) > at_once:
                    first, future = waiting.popleft()
                    yield first, future.result
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result
        finally:
            pool.shutdown(cancel_futures=True)
