"""What happens when something changes: configuration, code, manifests, branches; only what must is made again."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hour_lake.lake.open import open_lake
from hour_lake_tests.flow import Flow, write_manifest

LAYER = '''"""How colourful the picture is: spread of red against green."""

import numpy as np

from hour_lake.layers import Frames, layer


@layer(reads="frames", columns={"spread": "float32"}, facts={"mean": "avg(spread)"})
def colourful(frames: Frames, *, step: int = 8):
    small = frames.pixels[:, ::step, ::step].astype(np.float32)
    return {"spread": (small[..., 0] - small[..., 1]).std(axis=(1, 2))}
'''


@pytest.fixture(scope="module")
def changed(flow: Flow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """A copy of the project for the tests of this module, which each leave it fresh."""
    copy = flow.copy(tmp_path_factory.mktemp("changes") / "project")
    yield copy
    shutil.rmtree(copy.folder)


def stale(flow: Flow, **environment: str) -> dict[str, str]:
    """Asset -> why, of all that a run would make."""
    rows = json.loads(flow("status", "--json", **environment))["assets"]
    return {row["asset"]: row["why"] for row in rows if row["missing"] or row["stale"]}


def test_a_keyword_of_one_layer_reruns_it_and_what_reads_it(changed: Flow) -> None:
    settings = changed.folder / "hour_lake.yaml"
    before = settings.read_text()
    bpm = (
        "select segment_id, blink.blinks_per_minute as bpm from facts where video_id = 'collins-two-cameras' order by 1"
    )
    old_rows, old_commit = changed.rows(bpm), changed.json("sql", bpm)["commit"]
    settings.write_text(before + "layers: {blink: {closed_below: 0.3, open_above: 0.35}}\n")
    try:
        found = stale(changed)
        assert set(found) == {"blink", "cleaning_flags"}
        assert re.search(r"closed_below changed: [\d.]+ -> 0.3", found["blink"])
        changed("run", "blink+", "--segments", "collins-two-cameras*")
        only = {r["asset"]: r["fresh"] for r in changed.json("status", "--segments", "collins-two-cameras*")["assets"]}
        assert len(set(only.values())) == 1  # everything of that video is fresh again
        assert changed.rows(bpm) != old_rows
        assert changed.rows(bpm, ref=old_commit) == old_rows  # the old answer is still there
    finally:
        settings.write_text(before)
    changed("run", "blink+")
    assert not stale(changed)
    assert changed.rows(bpm) == old_rows


def test_a_new_layer_is_one_file_and_a_comment_reruns_nothing(changed: Flow, tmp_path: Path) -> None:
    file = tmp_path / "colourful.py"
    file.write_text(LAYER)
    with_layer = {"HOUR_LAKE_LAYERS": str(tmp_path)}
    assert stale(changed, **with_layer) == {"colourful": "never made (26)"}
    changed("run", "colourful", "--segments", "hopper-webcam*", **with_layer)
    query = "select count(*) as n from facts where colourful.mean > 1"
    assert json.loads(changed("sql", query, "--json", **with_layer))["rows"] == [{"n": 3}]
    file.write_text(LAYER.replace("    small", "    # every eighth pixel is enough\n    small").replace("avg(", "max("))
    status = json.loads(changed("status", "--json", "--segments", "hopper-webcam*", **with_layer))
    assert status["to_do"] == 0
    file.write_text(LAYER.replace("std(", "max("))
    assert "the code of colourful changed (3)" in stale(changed, **with_layer)["colourful"]


def test_a_layer_that_raises_is_red_with_its_line_and_holds_back_nothing(changed: Flow, tmp_path: Path) -> None:
    text = LAYER.replace("    small", "    assert frames.pixels.mean() < 80, 'too bright for me'\n    small")
    (tmp_path / "colourful.py").write_text(text)
    out = changed("run", "colourful,luminance", "--segments", "collins*", exit_code=2, HOUR_LAKE_LAYERS=str(tmp_path))
    assert "LAYER_FAILED" in out
    rows = json.loads(changed("status", "--json", HOUR_LAKE_LAYERS=str(tmp_path)))["assets"]
    row = next(row for row in rows if row["asset"] == "colourful")
    assert row["fresh"] >= 1 and row["failed"] >= 1
    again = changed("run", "colourful", "--segments", "collins*", exit_code=2, HOUR_LAKE_LAYERS=str(tmp_path))
    assert "nothing is stale" in again  # it would fail again: not tried until something changes


def test_an_increment_touches_only_what_is_new(changed: Flow, corpus: Path) -> None:
    rows = [line.split(",") for line in (corpus / "manifest.csv").read_text().splitlines()]
    good = [dict(zip(rows[0], row, strict=True)) for row in rows[1:9]]
    for row in good:
        row["source"] = str(corpus / row["source"])
    shutil.copy(corpus / "hopper-webcam.mkv", changed.folder / "another.mkv")
    new = {**good[0], "id": "another", "source": str(changed.folder / "another.mkv"), "sha256": ""}
    before = _commits(changed)
    taken = changed.json("ingest", str(write_manifest(changed.folder, [*good, new], "more")))
    assert taken["videos"] == 9 and taken["ran"]
    touched = {path for path in _changed_since(changed, before) if path.startswith(("videos/", "scans/", "plans/"))}
    assert touched == {f"{folder}/another.parquet" for folder in ("videos", "scans", "plans")}
    assert changed.json("status", "--segments", "hopper-*")["to_do"] == 0


def _commits(flow: Flow) -> str:
    return open_lake(flow.folder / "home" / "lake").resolve("main")


def _changed_since(flow: Flow, commit: str) -> set[str]:
    return {change.path for change in open_lake(flow.folder / "home" / "lake").diff(commit, "main")}


def test_a_run_on_a_branch_leaves_main_alone(changed: Flow) -> None:
    lake = open_lake(changed.folder / "home" / "lake")
    lake.create_branch("exp", "main")
    main = lake.resolve("main")
    changed("run", "luminance", "--segments", "hopper-webcam*", "--branch", "exp", "--refresh")
    assert open_lake(changed.folder / "home" / "lake").resolve("main") == main
    # made anew from the same inputs: the same bytes, so nothing differs
    assert not list(open_lake(changed.folder / "home" / "lake").diff("main", "exp", "layers/"))


def test_a_dataset_is_composed_tagged_and_pulled_the_same_each_time(changed: Flow, tmp_path: Path) -> None:
    spec = Path(__file__).parent.parent / "examples" / "talking_heads.yaml"
    first = changed.json("dataset", "compose", str(spec))
    again = changed.json("dataset", "compose", str(spec))
    assert first["tag"] == again["tag"] == "dataset/talking_heads/v1"
    assert len(first["constraints"]) >= 3 and all(each["holds"] for each in first["constraints"])
    speakers = [set(part["speakers"]) for part in first["splits"].values()]
    assert len(speakers) == 2 and not speakers[0] & speakers[1]
    for folder in ("one", "two"):
        changed("dataset", "pull", "talking_heads@v1", str(tmp_path / folder))
    files = {path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert any(path.suffix == ".mp4" for path in files) and Path("index.parquet") in files
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)


def test_a_dataset_that_cannot_be_met_names_what_is_in_the_way(changed: Flow, tmp_path: Path) -> None:
    spec = tmp_path / "impossible.yaml"
    spec.write_text(
        "name: impossible\nwhere: flags.passed\nsize: {segments: {min: 500}}\nobjective: {maximise: size}\n"
    )
    said = changed("dataset", "compose", str(spec), exit_code=1)
    assert "DATASET_INFEASIBLE" in said and "500" in said


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "blnk"), "SELECTION_UNKNOWN"),
        (("ingest", "absent.csv"), "MANIFEST_MISSING"),
        (("dataset", "show", "absent"), "DATASET_MISSING"),
        (("try", "blnk", "absent.mp4"), "SOURCE_MISSING"),
    ],
)
def test_a_slip_of_the_hand_is_answered_with_a_code(changed: Flow, arguments: tuple[str, ...], code: str) -> None:
    assert code in changed(*arguments, exit_code=1)


def test_an_unknown_setting_is_named_with_its_nearest(changed: Flow, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("branche: main\n")
    said = changed("status", exit_code=1, HOUR_LAKE_CONFIG=str(bad))
    assert "CONFIG_UNKNOWN_KEY" in said and "branch" in said
