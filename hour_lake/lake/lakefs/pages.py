"""Answers that come in pages, as one stream: the next page is asked for when it is needed."""

from collections.abc import Callable, Iterator
from typing import Any

PAGE = 1000  # the most that the server gives at once


def paged(ask: Callable[[str, int], Any], first: int = PAGE, after: str = "") -> Iterator[Any]:
    """Results of all pages; `ask(after, amount)` gives one. The first has `first` results, each next ten times more."""
    amount = first
    while True:
        page = ask(after, amount)
        yield from page.results
        if not page.pagination.has_more:
            return
        after, amount = page.pagination.next_offset, min(PAGE, amount * 10)
