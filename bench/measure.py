"""One figure with its goal, and how to time a block."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Measure:
    """A figure; `goal` is an upper bound, or a lower one with `better="more"`."""

    name: str
    value: float
    unit: str
    how: str
    goal: float | None = None
    better: Literal["less", "more"] = "less"

    @property
    def holds(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value <= self.goal if self.better == "less" else self.value >= self.goal

    @property
    def shown(self) -> str:
        return f"{self.value:.3g} {self.unit}".strip()

    @property
    def goal_shown(self) -> str:
        sign = "<=" if self.better == "less" else ">="
        return "" if self.goal is None else f"{sign} {self.goal:.3g}"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "holds": self.holds}


class Stopwatch:
    seconds = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    watch = Stopwatch()
    started = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - started
