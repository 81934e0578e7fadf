"""Ranges cover what is wanted, in order, and nothing at either end that is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.orchestration.ranges import ranges

KEYS = list("abcdefgh")
CASES = [
    ("", 0, 9, []),
    ("a", 0, 9, [("a", "a")]),
    ("bdh", 1, 9, [("b", "d"), ("h", "h")]),
    ("bdh", 0, 9, [("b", "b"), ("d", "d"), ("h", "h")]),
    ("abcdefgh", 9, 3, [("a", "c"), ("d", "f"), ("g", "h")]),
    ("ah", 9, 9, [("a", "h")]),
]


@pytest.mark.parametrize(("wanted", "bridge", "longest", "expected"), CASES)
def test_ranges(wanted: str, bridge: int, longest: int, expected: list[tuple[str, str]]) -> None:
    assert list(ranges(KEYS, set(wanted), longest=longest, bridge=bridge)) == expected


@given(st.sets(st.integers(0, 60)), st.integers(0, 8), st.integers(1, 20))
def test_every_wanted_key_is_in_exactly_one_range(wanted: set[int], bridge: int, longest: int) -> None:
    keys = [f"{i:02d}" for i in range(61)]
    found = list(ranges(keys, {keys[i] for i in wanted}, longest=longest, bridge=bridge))
    spans = [range(keys.index(first), keys.index(last) + 1) for first, last in found]
    assert all(len(span) <= longest for span in spans)
    assert all(span[0] in wanted and span[-1] in wanted for span in spans)
    assert sorted(i for span in spans for i in span if i in wanted) == sorted(wanted)
    assert all(a[-1] < b[0] for a, b in zip(spans, spans[1:], strict=False))
