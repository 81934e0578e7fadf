"""The example of the README: branch, another threshold there, the diff, the merge, and the old tag's same bytes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hour_lake.lake.open import open_lake
from hour_lake_tests.flow import CHECKOUT, Flow

VIDEOS = "hopper-*"


@pytest.fixture(scope="module")
def project(flow: Flow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """A copy of the project with a composed dataset and two experiments on blinks: a gentle one and a mistaken one."""
    copy = flow.copy(tmp_path_factory.mktemp("branches") / "project")
    copy("dataset", "compose", str(CHECKOUT / "examples" / "talking_heads.yaml"))
    for name, keyword in (("exp", "blink.closed_below=0.7"), ("wrong", "blink.open_above=1.1")):
        copy("branch", "create", name)
        copy("run", "blink+", "--branch", name, "--set", keyword)
    yield copy
    shutil.rmtree(copy.folder)


def test_an_experiment_stays_on_its_branch_and_status_agrees_on_both(project: Flow) -> None:
    lake = open_lake(project.folder / "home" / "lake")
    changed = {change.path.split("/")[0] for change in lake.diff("main", "exp")}
    assert changed == {"flags", "layers", "settings", "tables"}
    for ref, pinned in (("main", {}), ("exp", {"blink": {"closed_below": 0.7}})):
        found = project.json("status", "--ref", ref)
        assert (found["to_do"], found["pinned"]) == (0, pinned)


def test_the_diff_tells_what_the_threshold_changed(project: Flow) -> None:
    gentle, wrong = (project.json("diff", "main", name, "--facts") for name in ("exp", "wrong"))
    for found in (gentle, wrong):
        (layer,) = found["layers"]
        assert layer["layer"] == "blink" and layer["changed"] + layer["remade"] == 26
        assert {fact["layer"] for fact in found["facts"]} == {"blink"} and not found["segments_added"]
    assert gentle["segments_flipped"] == 0 and not gentle["datasets"][0]["disqualified"]
    flips = {gate["gate"]: gate["to_flagged"] for gate in wrong["gates"] if gate["to_flagged"]}
    assert set(flips) == {"eyes_open"} and flips["eyes_open"] == wrong["segments_flipped"] > 10
    (check,) = wrong["datasets"]
    assert check["dataset"] == "talking_heads@v1" and check["disqualified"]
    assert all(each["why"].startswith("flags.passed (eyes_open: ") for each in check["disqualified"])
    # The facts of the diff are those that a query gives.
    moved = next(fact for fact in wrong["facts"] if fact["name"] == "closed_share")["moved"][0]
    query = f"select blink.closed_share as share from facts where segment_id = '{moved['segment_id']}'"
    assert [project.rows(query, ref=ref)[0]["share"] for ref in ("main", "wrong")] == [moved["old"], moved["new"]]


def test_the_run_on_an_experiment_shows_the_diff_in_dagster(project: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(project.folder / "home" / "dagster"))
    with dg.DagsterInstance.get() as instance:
        events = instance.fetch_materializations(dg.AssetKey("catalog"), limit=10).records
        shown = [event.asset_materialization.metadata for event in events if event.asset_materialization]
        # A run that somebody started in the UI says no branch: it is of the settings' branch.
        tags = [instance.get_run_by_id(event.run_id).tags for event in events]
    branches = [each.get("hour_lake/branch", "main") for each in tags]
    text = {branch: metadata.get("diff") for branch, metadata in zip(branches, shown, strict=True)}
    assert text["main"] is None
    assert isinstance(text["wrong"], dg.MarkdownMetadataValue)
    assert "# main → wrong" in text["wrong"].value and "data:image/png;base64," in text["wrong"].value


def test_the_mistaken_one_is_refused_the_gentle_one_merged_and_the_tag_gives_the_same_bytes(
    project: Flow, tmp_path: Path
) -> None:
    project("dataset", "pull", "talking_heads@v1", str(tmp_path / "before"))
    lake = open_lake(project.folder / "home" / "lake")
    head = lake.resolve("main")
    limits = ("--only-if", "flips(eyes_open) <= 2%", "--only-if", "disqualified(talking_heads) <= 0")
    said = project("merge", "wrong", *limits, exit_code=2)
    assert "MERGE_REFUSED" in said and "flips(eyes_open) <= 2%" in said
    assert lake.resolve("main") == head
    assert "merged" in project("merge", "exp", *limits)
    status = project.json("status")  # what exp pinned came along: nothing is stale
    assert (status["to_do"], status["pinned"]) == (0, {"blink": {"closed_below": 0.7}})
    bpm = "select segment_id, blink.blinks_per_minute as bpm from facts order by 1"
    assert project.rows(bpm) == project.rows(bpm, ref="exp") != project.rows(bpm, ref=head)
    project("dataset", "pull", "talking_heads@v1", str(tmp_path / "after"))
    files = sorted(p.relative_to(tmp_path / "before") for p in (tmp_path / "before").rglob("*") if p.is_file())
    assert len(files) > 20
    assert all((tmp_path / "before" / f).read_bytes() == (tmp_path / "after" / f).read_bytes() for f in files)
    project("branch", "delete", "wrong")
    project("run", "*", exit_code=2)  # the video without sound still fails; the catalog is made again
    assert project.json("gc")["dry_run"]


def test_a_branch_that_is_not_there_is_named_with_its_nearest(project: Flow) -> None:
    for arguments in (("run", "blink"), ("ingest", "absent.csv"), ("dataset", "compose", "absent.yaml")):
        said = project(*arguments, "--branch", "epx", exit_code=1)
        assert "Traceback" not in said and ("REF_NOT_FOUND" in said or "MISSING" in said)


def test_unpinning_makes_the_settings_count_again(project: Flow) -> None:
    project("branch", "create", "back", "--from", "exp")
    project("run", "blink", "--branch", "back", "--set", "blink.closed_below=")
    lake = open_lake(project.folder / "home" / "lake")
    assert json.loads(project("status", "--ref", "back", "--json"))["pinned"] == {}
    query = "select segment_id, blink.closed_share as share from facts order by 1"
    first = next(c.id for c in lake.log("main") if "talking_heads" in c.message)
    assert project.rows(query, ref="back") == project.rows(query, ref=first)
