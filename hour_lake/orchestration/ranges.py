"""Partition keys as ranges: a run takes a contiguous range, in the order in which the partitions were registered."""

from collections.abc import Collection, Iterator, Sequence

# Bridging a gap costs an event (about 10 ms) a segment that is already done; another run costs seconds.
BRIDGE = 64


def ranges(
    keys: Sequence[str], wanted: Collection[str], *, longest: int, bridge: int = BRIDGE
) -> Iterator[tuple[str, str]]:
    """First and last key of runs that cover all wanted keys, at most `longest` keys a run.

    keys    a b c d e f g h      wanted  b d h, bridge 2
    ranges    b---d       h      (c is done already and costs nothing but its event)
    """
    start: int | None = None
    last = 0
    for i, key in enumerate(keys):
        if key not in wanted:
            continue
        if start is not None and (i - last > bridge + 1 or i - start >= longest):
            yield keys[start], keys[last]
            start = None
        start, last = (i if start is None else start), i
    if start is not None:
        yield keys[start], keys[last]
