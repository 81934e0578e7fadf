"""A plan cut down to the part of a video that its manifest row names."""

import math
from collections.abc import Iterator, Sequence

from hour_lake.identity import FRAME_MS
from hour_lake.media.plan import Stretch
from hour_lake.settings import SegmentRules


def within(
    stretches: Sequence[Stretch], start_seconds: float | None, stop_seconds: float | None, rules: SegmentRules
) -> list[Stretch]:
    """The same stretches, what lies outside `[start_seconds, stop_seconds)` left out as `outside_range`.

    plan      |~~~~~~~~~~~~~|pause|~~~~~~~~|        range from 4 to 9 s, inwards to the grid
    within    |outs|~~~~~~~~|pause|~~|outs |        a piece under the least length is `too_short`
    """
    first = 0 if start_seconds is None else math.ceil(start_seconds * 1000 / FRAME_MS) * FRAME_MS
    last = math.inf if stop_seconds is None else math.floor(stop_seconds * 1000 / FRAME_MS) * FRAME_MS
    return [piece for stretch in stretches for piece in _pieces(stretch, first, last, rules)]


def _pieces(stretch: Stretch, first: float, last: float, rules: SegmentRules) -> Iterator[Stretch]:
    inside_start = int(min(max(stretch.start_ms, first), stretch.stop_ms))
    inside_stop = int(max(min(stretch.stop_ms, last), inside_start))
    if stretch.start_ms < inside_start:
        yield Stretch(stretch.start_ms, inside_start, False, "outside_range")
    if inside_start < inside_stop:
        too_short = stretch.segment and inside_stop - inside_start < rules.min_seconds * 1000
        reason = "too_short" if too_short else stretch.reason
        yield Stretch(inside_start, inside_stop, stretch.segment and not too_short, reason)
    if inside_stop < stretch.stop_ms:
        yield Stretch(inside_stop, stretch.stop_ms, False, "outside_range")
