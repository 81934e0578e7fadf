"""How a step puts its work in order: tasks for the workers, levels for the events."""

import pytest

from hour_lake.assets.batch import levels_of, tasks_of
from hour_lake.identity import Segment
from hour_lake.ledger import paths
from hour_lake.ledger.check import Check
from hour_lake.ledger.steps import Step


def _step(name: str, *reads: str) -> Step:
    return Step(name, reads, lambda segment: paths.layer_path(name, segment), {})


def test_the_longest_segment_comes_first_and_what_is_fresh_not_at_all() -> None:
    short, long, fresh = Segment("a", 0, 2000), Segment("b", 0, 9000), Segment("c", 0, 20000)
    boxes, mesh = _step("face_boxes", "frames"), _step("face_landmarks", "frames", "face_boxes")
    checks = [Check(step, segment, "stale", "new") for segment in (short, long) for step in (boxes, mesh)]
    checks.append(Check(boxes, fresh, "fresh", ""))
    assert [(task.segment, task.wanted) for task in tasks_of(checks)] == [
        (long, ("face_boxes", "face_landmarks")),
        (short, ("face_boxes", "face_landmarks")),
    ]


@pytest.mark.parametrize(
    ("steps", "levels"),
    [
        ([], []),
        ([_step("a", "frames"), _step("b", "samples")], [{"a", "b"}]),
        ([_step("a", "frames"), _step("b", "a"), _step("c", "frames")], [{"a", "c"}, {"b"}]),
        ([_step("a", "frames"), _step("b", "a"), _step("c", "a", "b"), _step("d", "b")], [{"a"}, {"b"}, {"c", "d"}]),
    ],
    ids=["none", "beside", "chain", "diamond"],
)  # fmt: skip
def test_events_of_a_level_point_only_to_those_before(steps: list[Step], levels: list[set[str]]) -> None:
    assert levels_of(steps) == levels
