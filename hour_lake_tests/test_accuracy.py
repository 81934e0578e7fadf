"""The table of accuracies: every layer has a row, the worst figure is shown, and no page is made of failed tests."""

import ast
from pathlib import Path

import pytest

from hour_lake.passes.registry import load_layers
from hour_lake_tests import accuracy
from hour_lake_tests.accuracy import WITHOUT, Accuracy, Figure, page, without_row, worst

HERE = Path(__file__).parent
GOOD = [Figure(name, "error", 0.5, "a test", below=1) for name in load_layers() if name not in WITHOUT]


def layers_measured_in(text: str) -> set[str]:
    """First arguments of the calls of `accuracy` in a source text."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    firsts = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "accuracy"]
    return {first.value for first in firsts if isinstance(first, ast.Constant)}


def test_every_layer_is_measured_somewhere_or_it_says_why_not() -> None:
    found = set().union(*(layers_measured_in(path.read_text("utf-8")) for path in HERE.glob("test_*.py")))
    layers = load_layers()
    assert found | set(WITHOUT) == set(layers)
    assert not found & set(WITHOUT)
    assert all(layers[name].opt_in for name in WITHOUT)


def test_a_layer_without_a_row_is_named() -> None:
    assert without_row(GOOD) == []
    assert without_row([one for one in GOOD if one.layer not in ("mel", "blink")]) == ["blink", "mel"]


def test_the_worst_of_a_measure_is_shown() -> None:
    errors = [Figure("a", "error", value, "x", below=3) for value in (1.0, 2.5, 2.0)]
    shares = [Figure("a", "share", value, "x", above=0.5) for value in (0.9, 0.7, 0.8)]
    assert [one.value for one in worst([*errors, *shares])] == [2.5, 0.7]
    assert "| a | error | 2.5 | ≤ 3 | x |" in page(errors) and "| a | share | 0.7 | ≥ 0.5 | x |" in page(shares)


def test_a_goal_that_is_missed_fails_with_the_number() -> None:
    Accuracy()("a", "error", 1.0, below=1, against="x")
    for goal in ({"below": 1.0}, {"above": 2.0}):
        with pytest.raises(AssertionError, match="a: error is 1.5"):
            Accuracy()("a", "error", 1.5, against="x", **goal)


@pytest.mark.parametrize(
    ("status", "figures", "ends", "says"),
    [
        (0, GOOD, 0, None),
        (1, GOOD, 1, "the tests ended with 1"),
        (2, [], 2, "the tests ended with 2"),
        (0, GOOD[1:], 1, f"no row of {GOOD[0].layer}"),
    ],
)
def test_a_page_is_made_of_good_tests_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int,
    figures: list[Figure], ends: int, says: str | None,
) -> None:  # fmt: skip
    old = tmp_path / "accuracy.md"
    old.write_text("as it was")
    monkeypatch.setattr(accuracy, "PAGE", old)
    monkeypatch.setattr(accuracy, "measured", lambda: (status, figures))
    assert accuracy.main() == ends
    assert (old.read_text() == "as it was") == (says is not None)
    assert (says or "") in capsys.readouterr().err
