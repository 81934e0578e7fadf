"""Types for the columns of a CSV file, which has none: texts that are all numbers, or all true and false, become such.

What could be a name stays one: 007, 12e4, numbers of more digits than SQL keeps, and any column with one other word.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,17}([eE][+-]?[0-9]{1,2})?)?")
TRUTH = re.compile(r"true|false", re.IGNORECASE)


def _is_true(text: str) -> bool:
    return text.lower() == "true"


KINDS: Sequence[tuple[re.Pattern[str], Callable[[str], Any], pa.DataType]] = (
    (INTEGER, int, pa.int64()), (NUMBER, float, pa.float64()), (TRUTH, _is_true, pa.bool_())
)  # fmt: skip


def typed(values: Sequence[str | None]) -> tuple[list[Any], pa.DataType]:
    """The values of one column in the first type that fits all of them, and that type; None stays None.

    `typed(["1", None, "20"]) == ([1, None, 20], pa.int64())`
    """
    texts = [value for value in values if value is not None]
    for pattern, convert, kind in KINDS:
        if texts and all(pattern.fullmatch(text) for text in texts):
            return [None if value is None else convert(value) for value in values], kind
    return list(values), pa.string()
