"""Views over one commit: a query sees its own writes, whatever was compacted before."""

import io
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import hour_lake
from hour_lake.catalog.buckets import parquet_bytes
from hour_lake.catalog.connect import connect, pinned_commit
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import layer_source
from hour_lake.errors import LakeError, LayerError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.passes.declare import layer
from hour_lake.settings import Settings
from hour_lake_tests.catalog_corpus import (
    LAYERS,
    blink,
    compact_into,
    fill,
    float32,
    luminance,
    parquet,
    put_layer,
    put_manifest,
    put_segment,
    put_video,
    segments,
)


@pytest.fixture
def lake(tmp_path):
    return EmbeddedLake.open(tmp_path / "lake")


def facts(lake, ref="main", layers=LAYERS):
    with connect(ref, lake=lake, layers=layers) as connection:
        found = connection.execute("FROM facts ORDER BY segment_id")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_facts_have_one_row_a_segment_and_one_struct_a_layer(lake):
    made = fill(lake)
    rows = facts(lake)
    assert [row["segment_id"] for row in rows] == sorted(segment.id for segment in made)
    row = next(row for row in rows if row["segment_id"] == "ann2_00008000_00012000")
    assert (row["video_id"], row["start_ms"], row["duration_seconds"]) == ("ann2", 8000, 4.0)
    assert (row["speaker"], row["licence"], row["manifest"]["take"]) == ("ann", "CC0-1.0", 1)
    assert row["video"]["height_px"] == 720
    assert row["luminance"] == {"rows": 3, "mean": 80.0, "darkest": 79.0}
    assert row["blink"] == {"rows": 5, "blinks_per_minute": 30.0, "is_blinking": True}
    assert row["flags"] is None


@pytest.mark.parametrize(
    ("flags", "starts"),
    [([False, True, True, False, True], 2), ([True], 1), ([False, False], 0), ([True, None, True], 2), ([None], 0)],
)
def test_count_starts_counts_runs_in_the_order_of_frames(lake, flags, starts):
    segment = segments("ann", 1)[0]
    with lake.transaction("main", {}) as tx:
        put_segment(tx, segment, blinks=flags)
    assert facts(lake)[0]["blink"]["blinks_per_minute"] == starts * 15
    compact_into(lake)
    only_facts_changed = {**LAYERS, "blink": replace(blink, facts={"starts": "count_starts(is_blink)"})}
    assert facts(lake, layers=only_facts_changed)[0]["blink"] == {"rows": len(flags), "starts": starts}


def test_a_missing_layer_is_a_null_struct_and_an_unknown_video_keeps_its_segments(lake):
    with lake.transaction("main", {}) as tx:
        put_segment(tx, segments("ann", 1)[0], mean=50.0)
    (row,) = facts(lake)
    assert row["blink"] is None and row["luminance"]["mean"] == 50.0
    assert row["speaker"] is None and row["video"] is None


def test_an_old_file_without_a_new_column_reads_as_null(lake):
    first, second = segments("ann", 2)
    wider = replace(luminance, columns={"mean": "float32", "spread": "float32"}, facts={"spread": "max(spread)"})
    with lake.transaction("main", {}) as tx:
        put_segment(tx, first)
    for compacted in (False, True):
        if compacted:
            compact_into(lake)
        with lake.transaction("main", {}) as tx:
            put_segment(tx, second, mean=None)
            put_layer(tx, "luminance", second, mean=float32([7.0]), spread=float32([2.0]))
        rows = facts(lake, layers={"luminance": wider})
        assert [row["luminance"]["spread"] for row in rows] == [None, 2.0]
        with connect(lake=lake, layers={"luminance": wider}) as connection:
            assert connection.execute("SELECT count(*), count(spread) FROM luminance").fetchall() == [(4, 1)]


def test_a_column_that_changes_its_type_or_its_length_can_be_compacted_and_asked(lake):
    first, second = segments("ann", 2)
    with lake.transaction("main", {}) as tx:
        put_layer(tx, "other", first, value=["word"], bins=pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2)))
        put_layer(tx, "other", second, value=[3], bins=pa.array([[1.0, 2.0, 3.0]], pa.list_(pa.float32(), 3)))
    asked = "SELECT value, len(bins) FROM other ORDER BY segment_id"
    for _ in range(2):
        with connect(lake=lake, layers={}) as connection:
            assert connection.execute(asked).fetchall() == [("word", 2), ("3", 3)]
        compact_into(lake, layers={})


def test_a_connection_is_pinned_to_its_commit(lake):
    fill(lake)
    before = lake.resolve("main")
    with connect(lake=lake, layers=LAYERS) as connection:
        with lake.transaction("main", {}) as tx:
            put_segment(tx, segments("zoe", 1)[0])
        assert pinned_commit(connection) == before
        assert connection.execute("SELECT count(*) FROM facts").fetchall() == [(20,)]
    assert len(facts(lake)) == 21
    assert len(facts(lake, before)) == 20


def test_the_last_manifest_says_who_speaks_and_extra_columns_are_united(lake):
    with lake.transaction("main", {}) as tx:
        put_manifest(tx, "one", ["ann", "bob"], take=1)
        put_manifest(tx, "two", ["ann"], speaker="Ann Lee", mood="calm")
        for video in ("ann", "bob"):
            put_segment(tx, segments(video, 1)[0])
    ann, bob = facts(lake)
    assert (ann["speaker"], ann["manifest"]) == ("Ann Lee", {"take": None, "mood": "calm", "manifest_name": "two"})
    assert (bob["speaker"], bob["manifest"]) == ("bob", {"take": 1, "mood": None, "manifest_name": "one"})


def test_an_unknown_ref_is_refused(lake):
    fill(lake)
    with pytest.raises(LakeError, match="REF_NOT_FOUND"):
        connect("nowhere", lake=lake, layers=LAYERS)
    assert len(facts(lake)) == 20


def test_a_wrong_fact_names_its_layer_and_a_layer_may_not_hide_a_view(lake):
    fill(lake)
    wrong = replace(blink, facts={"per_minute": "sum(is_blnk)"})
    with pytest.raises(LayerError, match="LAYER_FACTS.*is_blnk.*blink"):
        connect(lake=lake, layers={"luminance": luminance, "blink": wrong})
    with pytest.raises(LayerError, match="LAYER_NAME"):
        layer_source(replace(blink, name="facts"))
    assert len(facts(lake)) == 20


def test_compaction_writes_only_what_changed(lake):
    fill(lake)
    first = compact_into(lake)
    assert "tables/facts.parquet" in first and len(first) == 3 * 4 + 1
    assert compact_into(lake) == []
    with lake.transaction("main", {}) as tx:
        put_layer(tx, "luminance", segments("bob", 1)[0], mean=float32([1.0]))
    second = compact_into(lake)
    assert [path.split("/")[1] for path in second] == ["luminance", "facts.parquet"]
    assert second[0] in first


def test_compacted_files_are_read_instead_of_the_small_ones(lake):
    fill(lake)
    compact_into(lake)
    snapshot = Snapshot(lake, "main")
    files = snapshot.files(layer_source(luminance))
    assert len(files.compacted) == 4 and files.added == () and files.stale == ()


def test_compaction_gives_the_same_bytes_again(tmp_path):
    written = []
    for name in ("a", "b"):
        lake = EmbeddedLake.open(tmp_path / name)
        fill(lake)
        compact_into(lake)
        written.append([(e.path, e.digest) for e in lake.entries("main", "tables/")])
    assert written[0] == written[1]


def test_tables_that_a_merge_mixed_are_not_believed_and_the_next_compaction_heals_them(lake):
    fill(lake)
    compact_into(lake)
    expected = facts(lake)
    bucket = next(lake.entries("main", "tables/luminance/"))
    with lake.transaction("main", {}) as tx:
        wrong = {"segment_id": ["ann_00000000_00004000"], "mean": float32([0.0]), "_path": ["layers/luminance/x"]}
        tx.put(bucket.path, parquet(wrong))
        tx.put("tables/gone/00.parquet", parquet({"segment_id": ["a"], "_path": ["layers/gone/a"]}))
    assert Snapshot(lake, "main").base is None
    assert facts(lake) == expected
    compact_into(lake)
    assert Snapshot(lake, "main").base is not None
    with connect(lake=lake, layers=LAYERS) as connection:
        assert connection.execute("SELECT count(*) FROM gone").fetchall() == [(0,)]
        assert connection.execute("SELECT count(*) FROM luminance").fetchall() == [(60,)]


def test_a_layer_whose_code_is_gone_keeps_its_table(lake):
    fill(lake)
    compact_into(lake)
    with lake.transaction("main", {}) as tx:
        put_layer(tx, "blink", segments("bob", 1)[0], is_blink=[True])
    compact_into(lake, layers={"luminance": luminance})
    with connect(lake=lake, layers={"luminance": luminance}) as connection:
        assert connection.execute("SELECT count(*) FROM blink").fetchall()[0][0] > 0
        with pytest.raises(duckdb.BinderException):
            connection.execute("SELECT blink.rows FROM facts")
    assert facts(lake)[10]["blink"] == {"rows": 1, "blinks_per_minute": 15.0, "is_blinking": True}


@layer(reads="samples", columns={"level": "float64"}, facts={"level": "max(level)"})
def loud(samples):
    """A layer that comes later."""


STEP = st.one_of(
    st.tuples(st.just("layer"), st.integers(0, 3), st.sampled_from(["luminance", "blink", "loud"])),
    st.tuples(st.just("drop layer"), st.integers(0, 3), st.sampled_from(["luminance", "blink"])),
    st.tuples(st.just("segment"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("drop segment"), st.integers(0, 3), st.just(None)),
    st.tuples(st.just("flags"), st.integers(0, 3), st.sampled_from(["exposure", "one_face"])),
    st.tuples(st.just("video"), st.integers(0, 1), st.integers(100, 200)),
    st.tuples(st.just("manifest"), st.integers(0, 1), st.sampled_from(["take", "mood"])),
    st.tuples(st.just("loud"), st.integers(0, 3), st.sampled_from(["number", "list", "text"])),
    st.tuples(st.just("compact"), st.sampled_from(["all", "less", "lists"]), st.just(None)),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=2, max_size=10))
@example(steps=[("loud", 0, "number"), ("loud", 1, "list"), ("compact", "lists", None), ("loud", 0, "list")])
@example(steps=[("loud", 0, "text"), ("loud", 1, "list"), ("compact", "all", None), ("compact", "less", None)])
@example(steps=[("flags", 1, "exposure"), ("compact", "all", None), ("segment", 1, False), ("flags", 1, "one_face")])
def test_whatever_was_compacted_when_the_answer_is_that_of_the_small_files(tmp_path_factory, steps):
    lake = EmbeddedLake.open(tmp_path_factory.mktemp("lake"))
    layers = {**LAYERS, "loud": loud}
    lists = {**LAYERS, "loud": replace(loud, columns={"level": "list<float64>"}, facts={"level": "max(len(level))"})}
    for number, step in enumerate(steps):
        if step[0] == "compact":
            compact_into(lake, {"all": layers, "less": LAYERS, "lists": lists}[step[1]])
        else:
            with lake.transaction("main", {}) as tx:
                _apply(tx, number, *step)
    head = lake.resolve("main")
    with lake.transaction("main", {}) as tx:
        for entry in list(lake.entries("main", "tables/")):
            tx.delete(entry.path)
    plain = lake.resolve("main")
    blinks = "SELECT segment_id, is_blink FROM blink ORDER BY segment_id, frame_index"
    levels = "SELECT segment_id, level FROM loud ORDER BY segment_id, level"
    numbers = levels.replace("level", "TRY_CAST(level AS DOUBLE)", 1)  # text where any file has text, also a stale one
    for these, asked in ((layers, blinks), (layers, numbers), (lists, levels)):
        assert facts(lake, head, these) == facts(lake, plain, these)
        with connect(head, lake=lake, layers=these) as new, connect(plain, lake=lake, layers=these) as old:
            assert new.execute(asked).fetchall() == old.execute(asked).fetchall()


def _apply(tx, number, kind, which, detail):
    pool = [*segments("ann", 2), *segments("bob", 2)]
    video = ("ann", "bob")[which % 2]
    segment = pool[which]
    columns = {"luminance": {"mean": float32([number])}, "blink": {"is_blink": [True, False] * (number % 4 + 1)},
               "loud": {"level": [float(number)]}}  # fmt: skip
    if kind == "layer":
        put_layer(tx, detail, segment, **columns[detail])
    elif kind == "loud":
        values = {"number": [float(number)], "list": [[float(number), 1.5]], "text": ["a word"]}
        put_layer(tx, "loud", segment, level=values[detail])
    elif kind == "drop layer":
        tx.delete(f"layers/{detail}/{segment.video_id}/{segment.id}.parquet")
    elif kind == "segment":
        put_segment(tx, segment, mean=float(number) if detail else None)
    elif kind == "drop segment":
        tx.delete(f"segments/{segment.video_id}/{segment.id}.mp4")
    elif kind == "flags":
        rows = [{"segment_id": segment.id, "gate": detail, "value": 1.0, "passed": number % 2 == 0, "reason": None}]
        schema = pa.schema({"segment_id": pa.string(), "gate": pa.string(), "value": pa.float64(),
                            "passed": pa.bool_(), "reason": pa.string()})  # fmt: skip
        tx.put(f"flags/{segment.video_id}/{segment.id}.parquet", parquet(rows, schema))
    elif kind == "video":
        put_video(tx, video, height=detail)
    else:
        put_manifest(tx, f"m{which}", [video], **{detail: number})


def test_connect_finds_lake_branch_and_layers_by_the_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOUR_LAKE_HOME", str(tmp_path / "home"))
    fill(EmbeddedLake.open(Path(Settings.load().lake_address)))
    with hour_lake.connect() as connection:
        assert connection.execute("SELECT count(luminance), count(mel) FROM facts").fetchall() == [(20, 0)]


def test_rows_of_one_segment_are_never_in_two_row_groups(monkeypatch):
    monkeypatch.setattr("hour_lake.catalog.buckets.ROWS_PER_GROUP", 4)
    names = ["a"] * 3 + ["b"] * 7 + ["c"] * 1 + ["d"] * 4
    file = pq.ParquetFile(io.BytesIO(parquet_bytes(pa.table({"_path": names, "x": range(15)}), together="_path")))
    groups = [file.read_row_group(i).column("_path").to_pylist() for i in range(file.num_row_groups)]
    assert [sorted(set(group)) for group in groups] == [["a", "b"], ["c", "d"]]
    assert sum(groups, []) == names
    nothing = pq.ParquetFile(
        io.BytesIO(parquet_bytes(pa.table({"_path": pa.array([], pa.string())}), together="_path"))
    )
    assert nothing.metadata.num_rows == 0
