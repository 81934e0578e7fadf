"""Groups of things: what is connected with what, and what a group is called."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def named(groups: NDArray[np.intp], names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """For each member the first name in its group, which stays when others join, and the size of its group."""
    first: dict[int, str] = {}
    for group, name in zip(groups.tolist(), names, strict=True):
        first[group] = min(name, first.get(group, name))
    sizes = np.bincount(groups, minlength=1) if len(groups) else np.zeros(0, np.int64)
    return [first[group] for group in groups.tolist()], sizes[groups]


def connected(count: int, edges: Sequence[tuple[int, int]]) -> NDArray[np.intp]:
    """For each of `count` things the first one that it is connected with, by way of others too."""
    group = list(range(count))

    def top(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    for one, other in edges:
        low, high = sorted((top(one), top(other)))
        group[high] = low
    return np.array([top(k) for k in range(count)], np.intp)
