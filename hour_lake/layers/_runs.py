"""Stretches of true frames, and levels that follow a signal; for layers that need to look around a frame."""

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def runs(flags: Flags) -> list[tuple[int, int]]:
    """The stretches of true, half open: `runs([0, 1, 1, 0, 1]) == [(1, 3), (4, 5)]`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def between(start: Flags, *, until: Flags) -> Flags:
    """True from a true `start` up to the next true `until`: a switch that does not flicker between two thresholds."""
    #  start 0 1 0 0 0 1     until 0 0 0 1 0 0     ->  0 1 1 0 0 1
    change = np.where(until, -1, np.where(start, 1, 0))
    last = np.maximum.accumulate(np.where(change != 0, np.arange(len(change)), -1))
    return (last >= 0) & (change[last] == 1)


def running_quantile(values: NDArray[np.floating], share: float, *, around: int) -> NDArray[np.float64]:
    """The quantile of up to `around` values to each side of every one, NaN left out (NaN where there is nothing)."""
    padded = np.pad(values.astype(np.float64), around, constant_values=np.nan)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1), axis=1)  # NaN last
    known = np.count_nonzero(~np.isnan(windows), axis=1)
    rank = np.round(share * np.maximum(known - 1, 0)).astype(int)
    return windows[np.arange(len(values)), rank]
