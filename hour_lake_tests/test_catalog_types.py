"""A layer whose column becomes another kind: old and new rows are asked together and compacted together."""

import io
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hour_lake.catalog.connect import connect
from hour_lake.catalog.lists import looked_at, told_by
from hour_lake.catalog.query import run_query
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import layer_source
from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.catalog_corpus import LAYERS, compact_into, luminance, parquet, put_layer, put_segment, segments

FIRST, SECOND = segments("ann", 2)
FLOATS = pa.list_(pa.float32())
# Kind -> what its files hold, and a fact that needs just this kind.
KINDS = {
    "float32": (pa.array([1.0, 2.5], pa.float32()), "avg(mean)"),
    "list<float32>": (pa.array([[1.0], [2.0, 3.0]], FLOATS), "max(list_max(mean))"),
    "float32[2]": (pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)), "max(list_max(mean))"),
    "string[2]": (pa.array([["a", "b"], ["c", "1"]], pa.list_(pa.string(), 2)), "max(len(mean[1]))"),
    "string": (pa.array(["word", "7"]), "string_agg(mean, '+')"),
    "bool": (pa.array([True, False]), "bool_or(mean)"),
}


def declared(kind, fact=None):
    return {**LAYERS, "luminance": replace(luminance, columns={"mean": kind}, facts={"is": fact or KINDS[kind][1]})}


def made(tx, segment, kind):
    put_segment(tx, segment, mean=None, blinks=[True, False])
    put_layer(tx, "luminance", segment, mean=KINDS[kind][0])


def lake_of(path, old, new, *, compacted=False):
    """Two segments, of which the second was made anew after the column had become another kind."""
    lake = EmbeddedLake.open(path)
    with lake.transaction("main", {}) as tx:
        made(tx, FIRST, old)
        made(tx, SECOND, old)
    if compacted:
        compact_into(lake, declared(old))
    with lake.transaction("main", {}) as tx:
        made(tx, SECOND, new)
    return lake


def asked(lake, layers, sql="SELECT segment_id, mean FROM luminance ORDER BY segment_id, frame_index"):
    with connect(lake=lake, layers=layers) as connection:
        return connection.execute(sql).fetchall()


def facts(lake, layers):
    return asked(lake, layers, "SELECT luminance, blink.is_blinking FROM facts ORDER BY segment_id")


def in_the_table(old, new):
    """What rows of the new kind read as beside rows of the old one: text beside text, a number beside a number."""
    rows = KINDS[new][0].to_pylist()
    if (old, new) == ("float32", "bool"):
        return [float(row) for row in rows]
    if "string" not in old or "string" in new or ("[" in old) != (new[-1] in "]>"):
        return rows
    return [[str(x) for x in row] if isinstance(row, list) else str(row) for row in rows]


@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize(
    ("old", "new"),
    [("float32", "list<float32>"), ("float32", "float32[2]"), ("list<float32>", "float32"), ("float32[2]", "float32"),
     ("string", "list<float32>"), ("float32[2]", "string"), ("bool", "string[2]"), ("list<float32>", "bool"),
     ("string[2]", "list<float32>"), ("float32[2]", "string[2]"), ("string", "string[2]"),
     ("float32[2]", "list<float32>"), ("string", "float32"), ("float32", "string"), ("float32", "bool"),
     ("bool", "float32")],
)  # fmt: skip
def test_facts_and_rows_are_the_same_before_and_after_compaction(tmp_path, old, new, compacted):
    lake = lake_of(tmp_path / "lake", old, new, compacted=compacted)
    before = facts(lake, declared(new)), asked(lake, declared(new))
    compact_into(lake, declared(new))
    assert (facts(lake, declared(new)), asked(lake, declared(new))) == before
    now = [value for segment, value in before[1] if segment == SECOND.id]
    assert now == in_the_table(old, new)
    assert [is_blinking for _, is_blinking in before[0]] == [True, True]


def test_rows_of_the_other_shape_are_null_and_come_back_with_the_declaration(tmp_path):
    lake = lake_of(tmp_path / "lake", "float32", "list<float32>")
    as_list = [(FIRST.id, None), (FIRST.id, None), (SECOND.id, [1.0]), (SECOND.id, [2.0, 3.0])]
    as_number = [(FIRST.id, 1.0), (FIRST.id, 2.5), (SECOND.id, None), (SECOND.id, None)]
    for _ in range(2):
        assert asked(lake, declared("list<float32>")) == as_list
        assert asked(lake, declared("float32")) == as_number
        assert asked(lake, {}) == as_list  # nobody declares it
        assert facts(lake, declared("list<float32>"))[0][0] == {"rows": 2, "is": None}
        compact_into(lake, declared("list<float32>"))


def test_a_fact_that_any_kind_has_is_computed_anew(tmp_path):
    lake = EmbeddedLake.open(tmp_path / "lake")
    before, after = declared("float32", "first(mean)"), declared("list<float32>", "first(mean)")
    with lake.transaction("main", {}) as tx:
        made(tx, FIRST, "float32")
        made(tx, SECOND, "float32")
    compact_into(lake, before)
    with lake.transaction("main", {}) as tx:
        made(tx, SECOND, "list<float32>")
    for _ in range(2):
        assert [luminance["is"] for luminance, _ in facts(lake, after)] == [None, [1.0]]
        compact_into(lake, after)


@pytest.mark.parametrize(
    ("old", "new", "between"),
    [("float32", "list<float32>", True), ("float32[2]", "float32", True), ("float32", "list<float32>", False),
     ("string", "list<float32>", False), ("string", "float32", False)],
)  # fmt: skip
def test_once_all_rows_are_made_anew_nothing_is_left_of_the_old_kind(tmp_path, old, new, between):
    """`between`: a compaction finds rows of both kinds."""
    lake = EmbeddedLake.open(tmp_path / "lake")
    for kinds in ((old, old), (new, old), (new, new)):
        with lake.transaction("main", {}) as tx:
            for segment, kind in zip((FIRST, SECOND), kinds, strict=True):
                made(tx, segment, kind)
        if between or kinds[0] == kinds[1]:
            compact_into(lake, declared(kinds[0]))
    (entry,) = Snapshot(lake, "main").files(layer_source(declared(new)["luminance"])).compacted
    schema = pq.read_schema(io.BytesIO(lake.read("main", entry.path)))
    assert set(schema.names) == {"segment_id", "frame_index", "time_seconds", "mean", "_path"}
    assert told_by(entry) == ({"mean"} if new == "list<float32>" else set())
    assert asked(lake, declared(new)) == [(s.id, v) for s in (FIRST, SECOND) for v in KINDS[new][0].to_pylist()]


@pytest.mark.parametrize("compacted", [False, True])
def test_the_locked_process_answers_too(tmp_path, compacted):
    lake = lake_of(tmp_path / "lake", "float32", "list<float32>")
    if compacted:
        compact_into(lake, declared("list<float32>"))
    sql = 'SELECT luminance."is", mean FROM facts JOIN luminance USING (segment_id) WHERE mean IS NOT NULL ORDER BY 2'
    answer = run_query(sql, lake=lake, ref="main", layers=declared("list<float32>"))
    assert answer.rows == [(3.0, [1.0]), (3.0, [2.0, 3.0])]


def test_a_file_whose_entry_tells_its_lists_is_not_looked_at(tmp_path, monkeypatch):
    lake = EmbeddedLake.open(tmp_path / "lake")
    with lake.transaction("main", {}) as tx:
        made(tx, FIRST, "list<float32>")
    entry = lake.entry("main", f"layers/luminance/ann/{FIRST.id}.parquet")
    assert Snapshot(lake, "main").lists([entry]) == [{"mean"}]
    monkeypatch.setattr("hour_lake.catalog.snapshot.looked_at", None)
    assert Snapshot(lake, "main").lists([replace(entry, metadata={"lists": '["mean"]'})]) == [{"mean"}]


def test_a_file_without_a_footer_is_told_as_damage(tmp_path):
    lake = EmbeddedLake.open(tmp_path / "lake")
    (tmp_path / "torn.parquet").write_bytes(parquet({"mean": [1.0]})[:-5])
    with pytest.raises(LakeError, match="INTEGRITY"):
        looked_at(lake, [str(tmp_path / "torn.parquet")])
