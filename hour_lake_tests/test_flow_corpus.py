"""Layers over the whole corpus in a project: made after the segments, skipped while nothing changed, asked like any."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from hour_lake.errors import LakeError
from hour_lake.lake.open import open_lake
from hour_lake.orchestration import commands
from hour_lake.orchestration.launch import Ended
from hour_lake.orchestration.sensors import stale_corpus
from hour_lake_tests.flow import CHECKOUT, Flow

EXAMPLES = {"HOUR_LAKE_LAYERS": str(CHECKOUT / "examples" / "layers")}
SPEC = """\
name: by_face
where: people.person is not null and not coalesce(duplicates.is_copy, false)
size: {segments: {min: 4, max: 8}}
constraints:
  - {name: one_person, per: people.person, at_most: {count: 4}}
split: {by: people.person, shares: {train: 0.5, test: 0.5}}
include: [clip]
"""
GATE = """\
gates:
  - {name: not_the_darkest, predicate: "light_rank.rank > 0.21", value: light_rank.rank, reason: dark, source: a test}
"""


@pytest.fixture(scope="module")
def project(flow: Flow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """A copy of the project for the tests of this module."""
    copy = flow.copy(tmp_path_factory.mktemp("over_all") / "project")
    yield copy
    shutil.rmtree(copy.folder)


def states(flow: Flow, **environment: str) -> dict[str, dict[str, object]]:
    found = json.loads(flow("status", "--json", **environment))["assets"]
    return {row["asset"]: row for row in found}


def changed(flow: Flow, commit: str, prefix: str) -> list[str]:
    return [change.path for change in open_lake(flow.folder / "home" / "lake").diff(commit, "main", prefix)]


def head(flow: Flow) -> str:
    return open_lake(flow.folder / "home" / "lake").resolve("main")


def test_the_two_people_of_the_corpus_are_two_and_nothing_is_a_copy(project: Flow) -> None:
    rows = project.rows("select distinct speaker, people.person as person from facts where people.person is not null")
    assert len(rows) == 2 == len({row["person"] for row in rows}) == len({row["speaker"] for row in rows})
    assert project.rows("select count(*) as n from facts where people.person is null") == [{"n": 0}]
    heard = project.rows("select bool_or(duplicates.is_copy) as copies, count(duplicates.original) as n from facts")
    assert heard == [{"copies": False, "n": 23}]  # three segments have no sound


def test_a_dataset_is_split_by_face_and_nobody_is_in_both_parts(project: Flow) -> None:
    (project.folder / "by_face.yaml").write_text(SPEC)
    project("dataset", "compose", str(project.folder / "by_face.yaml"))
    project("dataset", "pull", "by_face@v1", str(project.folder / "pulled"))
    people = {row["segment_id"]: row["p"] for row in project.rows("select segment_id, people.person as p from facts")}
    parts: dict[str, set[str]] = {}
    for row in pq.read_table(next((project.folder / "pulled").rglob("index.parquet"))).to_pylist():
        parts.setdefault(people[row["segment_id"]], set()).add(row["split"])
    assert sorted(map(sorted, parts.values())) == [["test"], ["train"]]


def test_a_layer_in_a_file_is_made_over_all_and_a_gate_may_ask_it(project: Flow) -> None:
    assert states(project, **EXAMPLES)["light_rank"]["missing"] == 26
    (project.folder / "gates.yaml").write_text(GATE)
    settings = project.folder / "hour_lake.yaml"
    before = settings.read_text()
    settings.write_text(f"{before}gates: gates.yaml\n")
    project("run", "light_rank,cleaning_flags,catalog", exit_code=0, **EXAMPLES)
    found = json.loads(project("sql", "select light_rank.rank as r, flags.passed as p, luminance.mean as m from facts",
                               "--json", **EXAMPLES))["rows"]  # fmt: skip
    assert sorted(found, key=lambda row: row["r"]) == sorted(found, key=lambda row: row["m"])
    assert all(row["p"] == (row["r"] > 0.21) for row in found) and len(found) == 26
    assert states(project, **EXAMPLES)["cleaning_flags"]["fresh"] == 26
    settings.write_text(before)
    project("run", "cleaning_flags,catalog", **EXAMPLES)


def test_nothing_runs_while_nothing_changed_and_why_says_what_would(project: Flow) -> None:
    assert "nothing ran" in project("run", "people,duplicates,light_rank", **EXAMPLES)
    segment = project.rows("select min(segment_id) as s from segments")[0]["s"]
    said = project("why", segment, "people")
    assert "fresh" in said and "identity of all segments" in said and "same_within" in said
    monkey = {"DAGSTER_HOME": str(project.folder / "home" / "dagster")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*next(iter(monkey.items())))
        with dg.DagsterInstance.get() as instance:
            (event,) = instance.fetch_materializations(dg.AssetKey("people"), limit=1).records
    assert event.asset_materialization is not None
    shown = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert (shown["distinct person"], shown["segments"], shown["cached"]) == (2, 26, False)


def test_only_segments_with_another_answer_are_written_again(project: Flow) -> None:
    before = head(project)
    settings = project.folder / "hour_lake.yaml"
    kept = settings.read_text()
    settings.write_text(f"{kept}layers: {{people: {{same_within: 0.45}}}}\n")
    row = states(project)["people"]
    assert row["stale"] == 26 and "same_within changed: 0.5 -> 0.45" in str(row["why"])
    project("run", "people")
    assert not changed(project, before, "layers/") and changed(project, before, "corpus/") == ["corpus/people.json"]
    settings.write_text(f"{kept}layers: {{people: {{same_within: 0.01}}}}\n")
    project("run", "people")
    assert len(changed(project, before, "layers/people/")) > 20
    settings.write_text(kept)
    project("run", "people")
    assert not changed(project, before, "layers/")


def test_one_that_fails_says_so_once_and_what_was_there_stays(project: Flow, tmp_path: Path) -> None:
    text = (CHECKOUT / "examples" / "layers" / "light_rank.py").read_text()
    file = tmp_path / "light_rank.py"
    file.write_text(text.replace("    light = ", "    raise ValueError('no light')\n    light = "))
    environment = {"HOUR_LAKE_LAYERS": str(tmp_path)}
    commit = head(project)
    said = project("run", "light_rank,people", exit_code=2, **environment)
    assert "LAYER_FAILED" in said and "corpus" in said
    assert states(project, **environment)["light_rank"]["failed"] == 26
    assert not changed(project, commit, "layers/")
    assert "nothing ran" in project("run", "light_rank", exit_code=2, **environment)  # it would fail again
    file.write_text(text)
    assert states(project, **environment)["light_rank"]["fresh"] == 26  # the code of what is there
    project("run", "light_rank", "--refresh", **environment)
    assert states(project, **environment)["light_rank"]["fresh"] == 26


def test_the_sensor_asks_for_what_is_stale_and_only_once(project: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.folder)
    settings = project.folder / "hour_lake.yaml"
    kept = settings.read_text()
    with dg.DagsterInstance.ephemeral() as instance:
        quiet = stale_corpus()(dg.build_sensor_context(instance=instance))
        assert isinstance(quiet, dg.SensorResult) and not quiet.run_requests and quiet.cursor == head(project)
        settings.write_text(f"{kept}layers: {{people: {{same_within: 0.45}}}}\n")
        asked = stale_corpus()(dg.build_sensor_context(instance=instance))
        assert isinstance(asked, dg.SensorResult) and asked.run_requests
        assert [key.to_user_string() for key in asked.run_requests[0].asset_selection or ()] == ["people"]
        again = stale_corpus()(dg.build_sensor_context(instance=instance, cursor=asked.cursor))
        assert isinstance(again, dg.SkipReason)
    settings.write_text(kept)


def test_a_step_that_breaks_down_is_told_though_everything_is_fresh(
    project: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stopped before any output: nothing is missing afterwards, and yet what was asked for has not been made."""
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.folder)
    broken = Ended("a-run", False, LakeError("STORAGE_IO", "the disk refused"))
    monkeypatch.setattr(commands, "run_range", lambda *_, **__: broken)
    ended = commands.run_selection("blink", pattern="hopper-webcam*", refresh=True)
    assert ended.failures == [commands.Failed("run", "a-run", "STORAGE_IO", "the disk refused")]
