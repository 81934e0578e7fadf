"""The task that worker processes run: layers found by name, tables by path, outcomes beside errors."""

from pathlib import Path

import numpy as np
import pytest

from hour_lake.errors import HourLakeError
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.segment import SegmentTask, run_segment
from hour_lake.passes.tables import from_parquet, to_parquet
from hour_lake.passes.workers import Workers
from hour_lake_tests.toy_layers import layers_of

SEGMENT = "bob_00000000_00000400"
TOYS = """
@layer(reads="frames", columns={"level": "float32"})
def toy_level(frames): ...

@layer(reads="toy_level", columns={"over": "bool"})
def toy_over(toy_level, *, limit: float = 4.0):
    return {"over": toy_level["level"] > limit}

@layer(reads="toy_over", rows="segment", columns={"overs": "int32"})
def toy_overs(toy_over):
    return {"overs": toy_over["over"].sum()}

@layer(reads="toy_level", columns={"a": "bool"})
def toy_crash(toy_level):
    import os, signal
    os.kill(os.getpid(), signal.SIGSEGV)

@layer(reads="toy_level", columns={"a": "bool"})
def toy_fails(toy_level):
    raise ValueError("not today")
"""


@pytest.fixture
def task(tmp_path: Path) -> SegmentTask:
    """`toy_level` of ten frames lies in a file, as the lake would give it."""
    layers = layers_of(tmp_path / "layers", toys=TOYS)
    grid = {"frame_index": np.arange(10, dtype=np.int32), "time_seconds": np.arange(10) / 25}
    table = tmp_path / "level"
    table.write_bytes(to_parquet(layers["toy_level"], SEGMENT, {**grid, "level": np.arange(10, dtype=np.float32)}))
    return SegmentTask(SEGMENT, ("toy_over", "toy_overs", "toy_fails"), {"toy_level": str(table)},
                       {"toy_over": {"limit": 6}}, (str(tmp_path / "layers"),))  # fmt: skip


def test_workers_run_layers_by_name(task: SegmentTask) -> None:
    crash = SegmentTask("bob_00000400_00000800", ("toy_crash",), task.locations, {}, task.folders)
    unknown = SegmentTask("bob_00000800_00001200", ("toy_ovre",), task.locations, {}, task.folders)
    with Workers(2) as workers:
        found = {done.segment_id: result for done, result in workers.map(run_segment, [crash, task, unknown])}
    good, crashed, lost = (found[t.segment_id] for t in (task, crash, unknown))
    assert isinstance(crashed, HourLakeError) and isinstance(lost, HourLakeError) and isinstance(good, dict)
    assert (crashed.code, crashed.value, crashed.where) == ("DECODER_CRASH", "SIGSEGV", "bob_00000400_00000800")
    assert (lost.code, lost.fix) == ("LAYER_UNKNOWN", "one of: toy_over, toy_overs, toy_level")
    here = run_segment(task)
    assert {n: o.data for n, o in good.items() if isinstance(o, Outcome)} == {
        n: o.data for n, o in here.items() if isinstance(o, Outcome)
    }
    assert isinstance(good["toy_fails"], HourLakeError) and good["toy_fails"].as_dict() == here["toy_fails"].as_dict()


def test_outcomes_and_errors_of_one_segment(task: SegmentTask) -> None:
    outcomes = run_segment(task)
    assert set(outcomes) == set(task.wanted)
    over, overs, fails = (outcomes[name] for name in ("toy_over", "toy_overs", "toy_fails"))
    assert isinstance(over, Outcome) and isinstance(overs, Outcome) and isinstance(fails, HourLakeError)
    assert from_parquet(over.data)["over"].tolist() == [False] * 7 + [True] * 3
    assert from_parquet(overs.data)["overs"].tolist() == [3]
    assert (fails.code, fails.value) == ("LAYER_FAILED", "not today")
