"""`hour-lake why`: the state of one output in words, and everything that would make it run, on a real corpus."""

from typing import Any

import pytest

from hour_lake_tests.flow import Flow

HEARD, SILENT = "collins-on-a-phone_00000000_00007760", "hopper-no-sound_00000000_00010080"


def names(found: dict[str, Any], kind: str) -> set[str]:
    return {each["name"] for each in found["depends_on"] if each["kind"] == kind}


def test_a_fresh_output_names_all_that_would_make_it_run(flow: Flow) -> None:
    found = flow.json("why", HEARD, "blink")
    assert found["state"] == "fresh" and found["sentence"].startswith("fresh")
    assert {"blink", "_runs"} <= names(found, "code")
    assert "closed_below" in names(found, "configuration")
    assert names(found, "input") == {"face_landmarks"}
    assert {"facemesh", "iris"} == names(flow.json("why", HEARD, "face_landmarks"), "weights")


def test_what_failed_and_what_waits_for_it(flow: Flow) -> None:
    failed = flow.json("why", SILENT, "audio")
    assert (failed["state"], failed["error"]["code"]) == ("failed", "NO_AUDIO")
    blocked = flow.json("why", SILENT, "loudness")
    assert blocked["state"] == "blocked" and "audio" in blocked["sentence"]
    assert [each["now"] for each in blocked["depends_on"] if each["kind"] == "input"] == ["not there (failed)"]


def test_for_people_it_ends_with_the_command_that_forces_it(flow: Flow) -> None:
    said = flow("why", HEARD, "blink")
    assert f"hour-lake run blink --segments '{HEARD}' --refresh" in said


def test_another_keyword_on_a_branch_is_told(flow: Flow, tmp_path: Any) -> None:
    copy = flow.copy(tmp_path / "copy")
    settings = copy.folder / "hour_lake.yaml"
    settings.write_text(settings.read_text() + "\nlayers: {blink: {closed_below: 0.7}}\n")
    found = copy.json("why", HEARD, "blink")
    assert found["state"] == "stale" and "closed_below changed: 0.82 -> 0.7" in found["sentence"]


@pytest.mark.parametrize(
    ("arguments", "code", "near"),
    [((HEARD, "blnk"), "LAYER_UNKNOWN", "blink"), ((HEARD[:-1], "blink"), "SEGMENT_UNKNOWN", HEARD)],
)
def test_unknown_names_are_answered_with_near_ones(
    flow: Flow, arguments: tuple[str, str], code: str, near: str
) -> None:
    said = flow("why", *arguments, exit_code=1)
    assert code in said and near in said
