"""The commands about branches and versions, on a lake without media: answers, `--json` keys, exit codes, completion."""

import io
import json
import sys

import pytest

from hour_lake.cli import complete, main
from hour_lake.datasets.compose import compose
from hour_lake.datasets.publish import publish
from hour_lake.datasets.spec import parse_spec
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.passes.registry import load_layers
from hour_lake_tests.catalog_corpus import float32, put_layer, put_manifest, put_segment, segments

MADE = segments("ann", 6)
GATES = """gates:
  - {name: lit, predicate: luminance.mean BETWEEN 50 AND 200, value: luminance.mean, reason: too dark, source: ours}
"""
SPEC = "name: talks\nsize: {segments: {min: 1}}\nwhere: luminance.mean > 50\n"


def put_luma(tx, segment, luma):
    flat = float32([luma] * 3)
    put_layer(tx, "luminance", segment, luma=flat, contrast=flat, dark_share=float32([0.1] * 3), bright_share=flat)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Six segments on `main`, two of them darker on `exp`, a tagged dataset."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "gates.yaml").write_text(GATES)
    (folder / "hour_lake.yaml").write_text("home: home\ngates: gates.yaml\n")
    lake = EmbeddedLake.open(folder / "home" / "lake")
    with lake.transaction("main", {}, message="six segments") as tx:
        put_manifest(tx, "first", ["ann"])
        for i, segment in enumerate(MADE):
            put_segment(tx, segment, mean=None)
            put_luma(tx, segment, 100.0 + i)
    spec = parse_spec(SPEC.encode(), where="spec")
    publish(lake, "main", compose(lake, spec, ref="main", layers=load_layers()))
    lake.create_branch("exp", "main")
    with lake.transaction("exp", {"run_id": "abcdef0123"}, message="darker") as tx:
        for segment in MADE[:2]:
            put_luma(tx, segment, 20.0)
    return folder


@pytest.fixture
def hour_lake(project, monkeypatch, capfdbinary):
    """Run a command as a shell does; exit status, standard output, standard error."""
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(project / "hour_lake.yaml"))
    monkeypatch.delenv("HOUR_LAKE_LAKE", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(project / "home" / "dagster"))
    (project / "home" / "dagster").mkdir(exist_ok=True)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hour-lake", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capfdbinary.readouterr()
        return ended.value.code or 0, captured.out, captured.err.decode()

    return run


def answer(ran):
    code, out, err = ran
    return code, json.loads(out), err


def test_branches_are_listed_made_and_dropped(hour_lake):
    code, made, _ = answer(hour_lake("branch", "create", "other", "--from", "exp", "--json"))
    assert code == 0 and set(made) == {"branch", "commit"}
    _, listed, _ = answer(hour_lake("branch", "list", "--json"))
    rows = {row["branch"]: row for row in listed["branches"]}
    assert set(rows) == {"main", "exp", "other"}
    assert set(rows["main"]) == {"branch", "commit", "created_ms", "message", "default"}
    assert [name for name, row in rows.items() if row["default"]] == ["main"]
    assert rows["other"]["commit"] == rows["exp"]["commit"] == made["commit"]
    assert hour_lake("branch", "delete", "other")[0] == 0
    assert b"other" not in hour_lake("branch", "list")[1]


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("branch", "create", "exp"), 1, "REF_EXISTS"),
        (("branch", "create", "a b"), 1, "REF_NAME_INVALID"),
        (("branch", "delete", "main"), 1, "BRANCH_PROTECTED"),
        (("branch", "delete", "epx"), 1, "REF_NOT_FOUND"),
        (("log", "mian"), 1, "REF_NOT_FOUND"),
        (("diff", "main", "epx"), 1, "REF_NOT_FOUND"),
        (("diff", "main", "epx", "--facts"), 1, "REF_NOT_FOUND"),
        (("cat", "layers/nothing"), 1, "PATH_NOT_FOUND"),
        (("merge", "exp", "--into", "mian"), 1, "REF_NOT_FOUND"),
        (("merge", "exp", "--only-if", "flips(lti) <= 1"), 1, "LIMIT_UNKNOWN"),
        (("merge", "exp", "--only-if", "few"), 1, "LIMIT_SYNTAX"),
        (("merge", "exp", "--only-if", "flips(lit) <= 1"), 2, "MERGE_REFUSED"),
        (("tag", "create", "dataset/talks/v1", "--from", "exp"), 1, "TAG_IMMUTABLE"),
    ],
)
def test_a_slip_or_a_refusal_has_its_code_and_its_status(hour_lake, arguments, status, code):
    found, out, err = hour_lake(*arguments)
    assert (found, code in err) == (status, True), err
    assert code not in out.decode()


def test_tags(hour_lake):
    _, made, _ = answer(hour_lake("tag", "create", "before-exp", "--json"))
    _, listed, _ = answer(hour_lake("tag", "list", "--json"))
    assert {"tag": "before-exp", "commit": made["commit"]} in listed["tags"]
    assert b"dataset/talks/v1" in hour_lake("tag", "list")[1]


def test_log_by_path(hour_lake):
    _, found, _ = answer(hour_lake("log", "exp", "--json", "--limit", "1"))
    assert found["ref"] == "exp"
    (commit,) = found["commits"]
    assert set(commit) == {"commit", "parents", "message", "metadata", "created_ms"}
    assert commit["message"] == "darker" and commit["metadata"]["run_id"] == "abcdef0123"
    _, found, _ = answer(hour_lake("log", "exp", "--path", "segments/", "--json"))
    assert [c["message"] for c in found["commits"]] == ["six segments"]
    assert b"darker" in hour_lake("log", "exp")[1]


def test_diff_of_paths(hour_lake):
    _, found, _ = answer(hour_lake("diff", "main", "exp", "--json"))
    assert set(found) == {"before", "after", "counts", "changes"} and found["counts"]["changed"] == 2
    assert {c["path"] for c in found["changes"]} == {f"layers/luminance/ann/{s.id}.parquet" for s in MADE[:2]}
    assert set(found["changes"][0]) == {"path", "kind", "before", "after"}
    assert set(found["changes"][0]["after"]) == {"digest", "size_bytes"}
    _, found, _ = answer(hour_lake("diff", "main", "exp", "--path", "segments/", "--json"))
    assert found["changes"] == []
    out = hour_lake("diff", "main", "exp", "--limit", "1")[1].decode()
    assert MADE[0].id in out and MADE[1].id not in out and "1 more" in out


def test_diff_of_facts_as_table_json_markdown_and_picture(hour_lake, tmp_path):
    _, found, _ = answer(hour_lake("diff", "main", "exp", "--facts", "--json"))
    assert set(found) == {
        "before", "after", "segments_added", "segments_vanished", "layers", "facts", "facts_same", "gates",
        "segments_flipped", "datasets",
    }  # fmt: skip
    assert (found["gates"][0]["to_flagged"], found["segments_flipped"]) == (2, 2)
    assert [d["segment_id"] for d in found["datasets"][0]["disqualified"]] == [s.id for s in MADE[:2]]
    table = hour_lake("diff", "main", "exp", "--facts")[1].decode()
    assert "luminance.mean" in table and "passed → flagged" in table and "too dark" in table
    picture, text = tmp_path / "diff.png", tmp_path / "diff.md"
    assert hour_lake("diff", "main", "exp", "--markdown", str(text), "--picture", str(picture))[0] == 0
    assert picture.read_bytes().startswith(b"\x89PNG") and text.read_text().startswith("# main → exp")
    assert hour_lake("diff", "main", "exp", "--markdown", "-")[1].decode().startswith("# main → exp")


def test_ls_shows_folders_objects_or_everything(hour_lake):
    _, top, _ = answer(hour_lake("ls", "--json"))
    assert set(top) == {"ref", "commit", "folders", "entries"} and top["entries"] == []
    by_path = {f["path"]: f["objects"] for f in top["folders"]}
    assert by_path == {"audio/": 6, "datasets/": 2, "layers/": 6, "manifests/": 2, "segments/": 6}
    for path in ("layers/luminance/ann", "layers/luminance/ann/"):
        _, below, _ = answer(hour_lake("ls", path, "--ref", "exp", "--json"))
        assert [e["path"] for e in below["entries"]] == [f"layers/luminance/ann/{s.id}.parquet" for s in MADE]
        assert set(below["entries"][0]) == {"path", "size_bytes", "digest", "metadata"} and not below["folders"]
    _, alike, _ = answer(hour_lake("ls", "layers/lumi", "--json"))
    assert not alike["entries"] and not alike["folders"]  # what merely begins alike is not below
    _, every, _ = answer(hour_lake("ls", "layers", "-r", "--json"))
    assert len(every["entries"]) == 6
    assert b"6 objects" in hour_lake("ls", "layers")[1]


def test_cat_gives_the_bytes_and_nothing_else(hour_lake, project):
    path = f"layers/luminance/ann/{MADE[0].id}.parquet"
    lake = EmbeddedLake.open(project / "home" / "lake")
    for ref in ("main", "exp", "dataset/talks/v1"):
        code, out, err = hour_lake("cat", path, "--ref", ref)
        assert (code, out, err) == (0, lake.read(ref, path), "")


def test_merge_refused_dry_and_done(hour_lake, project):
    lake = EmbeddedLake.open(project / "home" / "lake")
    lake.create_branch("target", "main")
    code, found, err = answer(hour_lake("merge", "exp", "--into", "target", "--only-if", "flips() <= 10%", "--json"))
    assert (code, found["state"], lake.resolve("target")) == (2, "refused", lake.resolve("main"))
    assert {"limit", "value", "of", "holds", "counted"} == set(found["limits"][0])
    assert "flips() <= 10%: 2 of 6 (33.3 %)" in err
    code, out, _ = hour_lake("merge", "exp", "--into", "target", "--dry-run", "--only-if", "flips() <= 50%")
    assert code == 0 and "would be merged" in out.decode() and "passed → flagged" in out.decode()
    assert lake.resolve("target") == lake.resolve("main")
    code, found, _ = answer(hour_lake("merge", "exp", "--into", "target", "--only-if", "flips() <= 50%", "--json"))
    assert (code, found["state"], found["commit"]) == (0, "merged", lake.resolve("target"))
    code, out, _ = hour_lake("merge", "exp", "--into", "target")
    assert code == 0 and "has everything already" in out.decode()


def test_a_conflict_ends_with_2_and_names_the_paths(hour_lake, project):
    lake = EmbeddedLake.open(project / "home" / "lake")
    lake.create_branch("clash", "main")
    with lake.transaction("clash", {}) as tx:
        put_luma(tx, MADE[0], 77.0)
    code, _, err = hour_lake("merge", "exp", "--into", "clash")
    assert code == 2 and "MERGE_CONFLICT" in err and MADE[0].id in err


def test_upkeep_answers(hour_lake):
    code, found, _ = answer(hour_lake("gc", "--json"))
    assert code == 0 and found["dry_run"] is True and set(found["objects"]) == {"count", "bytes"}
    assert b"nothing was removed" in hour_lake("gc")[1]
    code, found, _ = answer(hour_lake("fsck", "--json"))
    assert code == 0 and found["problems"] == [] and found["objects"] > 0
    assert hour_lake("fsck", "--quick")[0] == 0
    code, found, _ = answer(hour_lake("doctor", "--json"))
    assert code == 0 and found == {"runs": [], "staging_folders": 0, "dead_pins": 0, "fixed": False}


def test_fsck_names_what_damage_reaches_and_ends_with_2(hour_lake, project):
    lake = EmbeddedLake.open(project / "home" / "lake")
    entry = lake.entry("main", f"segments/ann/{MADE[3].id}.mp4")
    file = lake.local_file("main", entry)
    data = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(data[:-1] + b"?")
    try:
        code, out, _ = hour_lake("fsck", "--json")
        (problem,) = json.loads(out)["problems"]
        assert (code, problem["paths"], problem["datasets"]) == (2, [entry.path], ["talks@v1"])
        assert hour_lake("fsck")[0] == 2
    finally:
        file.write_bytes(data)
    assert hour_lake("fsck")[0] == 0


def test_commands_make_no_lake_where_there_is_none(hour_lake, tmp_path, monkeypatch):
    (tmp_path / "hour_lake.yaml").write_text("home: nowhere\n")
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(tmp_path / "hour_lake.yaml"))
    for arguments in (("branch", "list"), ("fsck",), ("diff", "main", "exp"), ("ls",)):
        code, _, err = hour_lake(*arguments)
        assert code == 1 and "STORE_MISSING" in err
    assert complete.refs("") == [] and complete.paths("") == []
    assert not (tmp_path / "nowhere").exists()


def test_completion(hour_lake, monkeypatch):
    assert complete.branches("ex") == ["exp"]
    assert "dataset/talks/v1" in complete.refs("data") and "main" in complete.refs("m")
    assert complete.datasets("ta") == ["talks@v1"]
    assert {"blink", "luminance"} <= set(complete.layers("")) and complete.layers("_") == []
    assert complete.paths("") == ["audio/", "datasets/", "layers/", "manifests/", "segments/"]
    assert complete.paths("layers/lum") == ["layers/luminance/"]
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setenv("HOUR_LAKE_CONFIG", "/nowhere/hour_lake.yaml")
    assert complete.refs("") == [] and said.getvalue() == ""
