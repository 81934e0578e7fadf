"""Threads that a signal cannot leave locked, and work done ahead: in order, never more of it than was said."""

import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from typing import Any

import pytest

import hour_lake.threads
from hour_lake.threads import Threads, ahead


def test_results_come_in_order_and_only_a_few_are_made_ahead() -> None:
    started: list[int] = []

    def work(item: int) -> int:
        started.append(item)
        time.sleep(0.02 * (item % 3))
        return item * item

    results = ahead(work, range(20), at_once=3)
    for expected in range(20):
        item, result = next(results)
        assert (item, result()) == (expected, expected**2)
        assert max(started) <= expected + 3
    assert next(results, None) is None


def test_work_is_done_at_once() -> None:
    together = threading.Barrier(3, timeout=10)
    assert len([result() for _, result in ahead(lambda _: together.wait(), range(6), at_once=3)]) == 6


def test_an_error_is_raised_where_the_result_is_asked_for_and_others_go_on() -> None:
    def work(item: int) -> float:
        return 1 / item

    found: list[float | str] = []
    for item, result in ahead(work, [2, 0, 4], at_once=2):
        try:
            found.append(result())
        except ZeroDivisionError:
            found.append(f"none for {item}")
    assert found == [0.5, "none for 0", 0.25]


def test_whoever_leaves_early_starts_nothing_more() -> None:
    started: list[int] = []
    results = ahead(started.append, range(100), at_once=2)
    next(results)
    results.close()
    assert len(started) <= 5


@pytest.mark.parametrize("items", [[], [1]])
def test_few_items(items: list[int]) -> None:
    assert [result() for _, result in ahead(abs, items, at_once=4)] == items


def test_answers_may_be_asked_again_and_in_any_order() -> None:
    with Threads(2) as threads:
        good, bad = threads.submit(divmod, 7, 2), threads.submit(divmod, 7, 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                bad()
            assert good() == (3, 1)
        assert list(threads.map(abs, [-3, -2, -1])) == [3, 2, 1]


def test_what_was_not_begun_when_the_block_ends_is_not_begun() -> None:
    begun, released = threading.Event(), threading.Event()
    with Threads(1) as threads:
        first = threads.submit(lambda: (begun.set(), released.wait(10)))
        second = threads.submit(begun.clear)
        begun.wait(10)
        threading.Timer(0.1, released.set).start()
    assert first()[1] and begun.is_set()
    with pytest.raises(CancelledError):
        second()


def test_a_thread_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hour_lake.threads.CLOSE_SECONDS", 0.2)
    released = threading.Event()
    started = time.monotonic()
    with Threads(1) as threads:
        threads.submit(released.wait, 20)
    assert time.monotonic() - started < 5
    released.set()


# Each round is told to stop after a time of its own, wherever it is then. Python's own pool hangs within some hundred.
ROUNDS = """
import random, signal, sys, time
from hour_lake.threads import Threads

class Told(Exception): pass

def told(*_):
    raise Told

signal.signal(signal.SIGALRM, told)
chosen = random.Random(0)
for _ in range(3000):
    try:
        signal.setitimer(signal.ITIMER_REAL, chosen.uniform(1e-5, 6e-4))
        with Threads(3) as threads:
            answers = [threads.submit(abs, -n) for n in range(20)]
            while True:
                for answer in answers: answer()
                threads.submit(abs, -1)
    except Told:
        pass
    started = time.monotonic()
    threads.close()
    assert time.monotonic() - started < 4, "waited for a thread that is locked"
print("done")
"""


def test_a_signal_at_any_moment_leaves_nothing_locked() -> None:
    told = subprocess.run([sys.executable, "-c", ROUNDS], capture_output=True, text=True, timeout=100)
    assert told.stdout == "done\n", told.stderr


def test_threads_end_when_nobody_refers_to_them_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = SimpleQueue[None]()

    def serve(*arguments: Any, real: Any = vars(hour_lake.threads)["_serve"]) -> None:
        ended.put(real(*arguments))

    monkeypatch.setattr("hour_lake.threads.IDLE_SECONDS", 0.05)
    monkeypatch.setattr("hour_lake.threads._serve", serve)
    threads = Threads(2)
    assert list(threads.map(abs, [-1, -2])) == [1, 2]
    with pytest.raises(Empty):
        ended.get(timeout=0.3)
    del threads
    for _ in range(2):
        ended.get(timeout=10)
