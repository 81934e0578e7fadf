"""Gates that ask a layer over the whole corpus, sensors alone: the verdict arrives, and then nothing more is asked.

A project without media: the rows of one toy layer are put down by hand, what follows from them is made.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hour_lake.identity import Segment
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.ledger import paths
from hour_lake.ledger.rows import plan_bytes
from hour_lake.media.plan import Stretch
from hour_lake_tests.catalog_corpus import float32, layer_rows, segments
from hour_lake_tests.flow import Flow
from hour_lake_tests.toy_layers import write_layer

pytestmark = pytest.mark.slow
SHADE = """\
@layer(reads="frames", columns={"value": "float32"}, facts={"mean": "avg(value)"})
def shade(frames: Frames):
    raise AssertionError
"""
ABOVE = """\
@layer(reads="shade", rows="corpus", columns={"is_above": "bool"}, facts={"is_above": "bool_or(is_above)"})
def above(shade: Table):
    \"\"\"Whether a segment is above the mean of all.\"\"\"
    names = np.unique(shade["segment_id"].astype(str))
    means = np.array([shade["value"][shade["segment_id"] == name].mean() for name in names])
    return {"segment_id": names, "is_above": means > means.mean()}
"""
GATES = """\
gates:
  - {name: not_dark, predicate: "shade.mean > 30", value: shade.mean, reason: dark, source: a test}
"""
CORPUS_GATE = """\
  - {name: not_below, predicate: above.is_above, value: "above.is_above::int", reason: below, source: a test}
"""
ANN = segments("ann", 4)
FLAGS, RANKS = "judge_stale_flags", "enrich_stale_corpus"


@pytest.fixture
def project(tmp_path: Path) -> Flow:
    """Four segments of shades 10, 20, 30 and 40, whose flags were made before anything looked at all of them."""
    project = Flow.create(tmp_path / "project", tmp_path, settings="gates: gates.yaml\n")
    write_layer(project.folder / "layers", "shade", SHADE)
    write_layer(project.folder / "layers", "above", ABOVE)
    put(project, ANN, [10, 20, 30, 40])
    return project


def put(project: Flow, of: Sequence[Segment], shades: Sequence[float]) -> None:
    """Clips of a video, its plan, and the toy layer's rows."""
    video = of[0].video_id
    stretches = [Stretch(s.start_ms, s.stop_ms, segment=True, reason=None) for s in of]
    bounds = ",".join(f"{s.start_ms}-{s.stop_ms}" for s in of)
    with EmbeddedLake.open(project.folder / "home" / "lake").transaction("main", {}) as transaction:
        transaction.put(paths.plan_path(video), plan_bytes(video, stretches), {"segments": bounds})
        for segment, value in zip(of, shades, strict=True):
            transaction.put(paths.clip_path(segment), segment.id.encode())
            transaction.put(paths.layer_path("shade", segment), layer_rows(segment, value=float32([value])))


def judge(project: Flow, gates: str) -> None:
    """Gates, and the flags that they give now."""
    (project.folder / "gates.yaml").write_text(gates)
    project("run", "cleaning_flags", HOUR_LAKE_LAYERS=str(project.folder / "layers"))


def ticks(project: Flow) -> list[dict[str, Any]]:
    """What the sensors asked for, round by round, until they ask for nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "hour_lake_tests.ticking"], cwd=project.folder, text=True, capture_output=True,
        env={**project.environment, "HOUR_LAKE_LAYERS": str(project.folder / "layers")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def verdicts(project: Flow) -> list[bool | None]:
    """Of the gate that asks the layer over the corpus, by segment."""
    rows = project.rows("select passed from flags where gate = 'not_below' order by segment_id")
    return [row["passed"] for row in rows]


def test_the_verdict_arrives_without_anyone_asking_and_nothing_is_asked_again(project: Flow) -> None:
    judge(project, GATES + CORPUS_GATE)
    assert verdicts(project) == [None] * 4
    first, second, *rest = ticks(project)
    assert FLAGS not in first and first[RANKS] == [["above"]]
    assert second[FLAGS] == [["cleaning_flags", ANN[0].id, ANN[3].id]]
    assert not any(FLAGS in each or RANKS in each for each in rest)
    assert verdicts(project) == [False, False, True, True]
    assert ticks(project) == []


def test_only_segments_with_another_answer_are_judged_again(project: Flow) -> None:
    judge(project, GATES + CORPUS_GATE)
    ticks(project)
    put(project, segments("bob", 1), [0])  # a new video: the mean of all falls below the second of ann
    asked = [each[FLAGS] for each in ticks(project) if FLAGS in each]
    assert asked == []  # 20 is not above (10 + 20 + 30 + 40 + 0) / 5, and bob has no flags to be behind
    put(project, ANN, [10, 21, 30, 40])
    asked = [each[FLAGS] for each in ticks(project) if FLAGS in each]
    assert asked == [[["cleaning_flags", ANN[1].id, ANN[1].id]]]
    assert verdicts(project) == [False, True, True, True]


def test_flags_of_gates_that_ask_no_layer_over_the_corpus_are_left_alone(project: Flow) -> None:
    judge(project, GATES)
    assert {name for each in ticks(project) for name in each} == {RANKS, "refresh_stale_catalog"}
    assert ticks(project) == []
