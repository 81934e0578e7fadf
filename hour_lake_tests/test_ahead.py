"""Work done ahead: in the order of its items, never more than was said, an error where its result is asked for."""

import threading
import time

import pytest

from hour_lake.ahead import ahead


def test_results_come_in_order_and_only_a_few_are_made_ahead() -> None:
    started: list[int] = []

    def work(item: int) -> int:
        started.append(item)
        time.sleep(0.02 * (item % 3))
        return item * item

    results = ahead(work, range(20), at_once=3, name="test")
    for expected in range(20):
        item, result = next(results)
        assert (item, result()) == (expected, expected**2)
        assert max(started) <= expected + 3
    assert next(results, None) is None


def test_work_is_done_at_once() -> None:
    together = threading.Barrier(3, timeout=10)
    assert len([result() for _, result in ahead(lambda _: together.wait(), range(6), at_once=3, name="test")]) == 6


def test_an_error_is_raised_where_the_result_is_asked_for_and_others_go_on() -> None:
    def work(item: int) -> float:
        return 1 / item

    found: list[float | str] = []
    for item, result in ahead(work, [2, 0, 4], at_once=2, name="test"):
        try:
            found.append(result())
        except ZeroDivisionError:
            found.append(f"none for {item}")
    assert found == [0.5, "none for 0", 0.25]


def test_whoever_leaves_early_starts_nothing_more() -> None:
    started: list[int] = []
    results = ahead(started.append, range(100), at_once=2, name="test")
    next(results)
    results.close()
    assert len(started) <= 5


@pytest.mark.parametrize("items", [[], [1]])
def test_few_items(items: list[int]) -> None:
    assert [result() for _, result in ahead(abs, items, at_once=4, name="test")] == items
