"""HiGHS, made to give the same answer to the same question: one thread, a fixed seed, no clock in the result."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.errors import DatasetError

SECONDS_LIMIT = 600.0  # beyond it nothing is published: a faster machine might have found more

OPTIONS = {
    "output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 1e-6, "mip_abs_gap": 1e-6,
    "mip_feasibility_tolerance": 1e-9, "time_limit": SECONDS_LIMIT,
}  # fmt: skip


@dataclass
class Program:
    """Maximise `gain . x` over whole `0 <= x <= upper`, with rows `low <= sum of coefficient x <= high`.

    Variables are added with their bound and gain, rows with variable numbers and coefficients.
    """

    gain: list[float] = field(default_factory=list[float])
    upper: list[float] = field(default_factory=list[float])
    whole: list[bool] = field(default_factory=list[bool])
    rows: list[tuple[NDArray[Any], NDArray[Any], float | None, float | None]] = field(default_factory=list)  # pyright: ignore

    def variable(self, *, upper: float, gain: float = 0.0, whole: bool = True) -> int:
        """The number of a new variable."""
        self.gain.append(gain)
        self.upper.append(upper)
        self.whole.append(whole)
        return len(self.gain) - 1

    def row(
        self, variables: Sequence[int], coefficients: Sequence[float], low: float | None, high: float | None
    ) -> None:
        """One more row; None is no bound."""
        self.rows.append((np.asarray(variables, np.int32), np.asarray(coefficients, np.float64), low, high))


@dataclass(frozen=True)
class Solution:
    """What HiGHS found: variables in their order, the objective, and HiGHS' own word for it."""

    values: NDArray[np.float64]
    objective: float
    status: str


def solve(program: Program) -> Solution | None:
    """The best solution, None when there is none; DATASET_SOLVER when it cannot be known in time."""
    import highspy

    highspy.Highs.resetGlobalScheduler(True)  # another thread count may be left from elsewhere in this process
    highs = highspy.Highs()
    for option, value in OPTIONS.items():
        highs.setOptionValue(option, value)
    highs.passModel(_model(highspy, program))
    highs.run()
    status = highs.getModelStatus()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return None
    if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
        raise DatasetError("DATASET_SOLVER", "the solver gave no answer", value=highs.modelStatusToString(status),
                           fix="ask for less: fewer candidates in `where`, or a wider size")  # fmt: skip
    values = np.array(highs.getSolution().col_value, np.float64)
    return Solution(values, float(np.dot(values, program.gain)), highs.modelStatusToString(status).lower())


def version() -> str:
    """The solver and its version, for the card."""
    import highspy

    return f"HiGHS {highspy.Highs().version()}"


def _model(highspy: Any, program: Program) -> Any:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.gain), len(program.rows)
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = np.array(program.gain, np.float64)
    model.col_lower_ = np.zeros(len(program.gain))
    model.col_upper_ = np.array(program.upper, np.float64)
    model.integrality_ = [
        highspy.HighsVarType.kInteger if whole else highspy.HighsVarType.kContinuous for whole in program.whole
    ]
    endless = highspy.kHighsInf
    model.row_lower_ = np.array([-endless if low is None else low for _, _, low, _ in program.rows])
    model.row_upper_ = np.array([endless if high is None else high for _, _, _, high in program.rows])
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lengths = [len(variables) for variables, _, _, _ in program.rows]
    model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    model.a_matrix_.index_ = np.concatenate([np.empty(0, np.int32), *(row[0] for row in program.rows)])
    model.a_matrix_.value_ = np.concatenate([np.empty(0), *(row[1] for row in program.rows)])
    return model
