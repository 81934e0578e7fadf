"""Keywords that a branch pins: versioned with the outputs, checked like the settings' own."""

import pytest

from hour_lake.errors import HourLakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.ledger.overrides import PATH, laid_over, pin_keywords, pinned_keywords
from hour_lake.ledger.project import Project
from hour_lake.passes.registry import load_layers
from hour_lake.settings import Settings

LAYERS = load_layers()


@pytest.fixture
def lake(tmp_path):
    lake = EmbeddedLake.open(tmp_path / "lake")
    lake.create_branch("exp", "main")
    return lake


def test_a_pin_is_of_its_branch_goes_with_a_merge_and_can_be_taken_back(lake):
    pin_keywords(lake, "exp", ["blink.closed_below=0.7", "blink.open_above = 1"], LAYERS)
    assert pinned_keywords(lake, "exp") == {"blink": {"closed_below": 0.7, "open_above": 1}}
    assert pinned_keywords(lake, "main") == {}
    lake.merge("exp", "main")
    assert pinned_keywords(lake, "main") == pinned_keywords(lake, "exp")
    pin_keywords(lake, "main", ["blink.closed_below=", "blink.open_above="], LAYERS)
    assert pinned_keywords(lake, "main") == {} and lake.entry("main", PATH) is None


def test_the_same_pin_again_is_no_commit(lake):
    pin_keywords(lake, "exp", ["blink.closed_below=0.7"], LAYERS)
    head = lake.resolve("exp")
    pin_keywords(lake, "exp", ["blink.closed_below=0.7"], LAYERS)
    assert lake.resolve("exp") == head


@pytest.mark.parametrize(
    ("assignment", "code", "fix"),
    [
        ("blink.closed_below", "CONFIG_TYPE", "LAYER.KEYWORD=VALUE"),
        ("closed_below=1", "CONFIG_TYPE", "LAYER.KEYWORD=VALUE"),
        ("blnk.closed_below=0.7", "LAYER_UNKNOWN", "blink"),
        ("blink.closed_bellow=0.7", "LAYER_CONFIG", "closed_below"),
        ("blink.closed_bellow=", "LAYER_CONFIG", "closed_below"),
        ("blink.closed_below=much", "LAYER_CONFIG", ""),
        ("blink.closed_below=[", "CONFIG_TYPE", ""),
    ],
)
def test_a_slip_is_coded_and_pins_nothing(lake, assignment, code, fix):
    head = lake.resolve("exp")
    with pytest.raises(HourLakeError) as caught:
        pin_keywords(lake, "exp", ["blink.open_above=0.9", assignment], LAYERS)
    assert caught.value.code == code and fix in (caught.value.fix or "")
    assert lake.resolve("exp") == head


def test_the_branch_counts_where_both_name_a_keyword():
    settings = {"blink": {"closed_below": 0.5, "open_above": 0.9}, "mouth": {"a": 1}}
    assert laid_over(settings, {"blink": {"closed_below": 0.7}}) == {
        "blink": {"closed_below": 0.7, "open_above": 0.9}, "mouth": {"a": 1}
    }  # fmt: skip


def test_the_recipe_follows_the_pin_and_the_workers_are_shared(lake, tmp_path):
    pin_keywords(lake, "exp", ["blink.closed_below=0.7"], LAYERS)
    project = Project(Settings(home=tmp_path), lake)
    there = project.at("exp")
    assert project.at("main") is project and there.at("exp").settings == there.settings
    assert there.steps["blink"].parts != project.steps["blink"].parts
    assert there.steps["mouth"].parts == project.steps["mouth"].parts
    assert there.workers is project.workers and there.layers is project.layers
