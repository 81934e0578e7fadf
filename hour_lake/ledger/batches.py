"""Results as they come, grouped into batches that are worth a commit each."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], *, most: int, seconds: float) -> Iterator[list[Item]]:
    """A batch is `most` items or what came in `seconds`, whichever is first; none is empty."""
    batch: list[Item] = []
    since = time.monotonic()
    for item in items:
        batch.append(item)
        if len(batch) >= most or time.monotonic() - since > seconds:
            yield batch
            batch, since = [], time.monotonic()
    if batch:
        yield batch
