"""Two commits side by side: what moved, which gates flip, which members of datasets no longer qualify."""

import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hour_lake.catalog.expression import conjuncts_of
from hour_lake.catalog.gates import Gate
from hour_lake.comparison.compare import compare
from hour_lake.comparison.half import Fact
from hour_lake.comparison.markdown import markdown
from hour_lake.comparison.picture import draw
from hour_lake.comparison.shift import fact_shifts
from hour_lake.datasets.compose import compose
from hour_lake.datasets.publish import publish
from hour_lake.datasets.spec import parse_spec
from hour_lake.errors import ConfigError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.catalog_corpus import (
    LAYERS,
    compact_into,
    fill,
    float32,
    parquet,
    put_layer,
    put_segment,
    segments,
)

LIT = Gate("lit", "luminance.mean BETWEEN 50 AND 120", "luminance.mean", "too dark or too bright", "ours")
BLINKS = Gate("blinks", "blink.blinks_per_minute > 0", "blink.blinks_per_minute", "never blinks", "ours")
GATES = [LIT, BLINKS]


@pytest.fixture
def lake(tmp_path):
    return EmbeddedLake.open(tmp_path / "lake")


def brighten(lake, branch, some, to=150.0):
    with lake.transaction(branch, {}) as tx:
        for segment in some:
            put_layer(tx, "luminance", segment, mean=float32([to] * 3))


def compared(lake, before="main", after="exp", **options):
    return compare(lake, before, after, layers=LAYERS, gates=GATES, **options)


def publish_spec(lake, text, branch="main"):
    spec = parse_spec(text.encode(), where="spec")
    return publish(lake, branch, compose(lake, spec, ref=branch, layers=LAYERS))


def shifts_of(old, new, kind="number"):
    """`fact_shifts` over two columns of values; segments are numbered, so both sides have the same first ones."""
    types = {"number": pa.float64(), "text": pa.string(), "flag": pa.bool_()}
    with duckdb.connect() as connection:
        for side, values in (("before_facts", old), ("after_facts", new)):
            ids = [f"{i:04}" for i in range(len(values))]
            connection.register(side, pa.table({"segment_id": ids, "a.b": pa.array(values, types[kind])}))
        return fact_shifts(connection, [Fact("a", "b", kind)])


VALUES = st.lists(st.one_of(st.none(), st.integers(-3, 3).map(float)), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(old=VALUES, new=VALUES)
def test_shift_is_the_largest_gap_of_the_cumulative_shares_and_distance_the_area(old, new):
    def below(values, x):
        return sum(v is None or v <= x for v in values) / len(values)

    points = sorted({-math.inf, *(v for v in old + new if v is not None)})
    gap = max(abs(below(old, x) - below(new, x)) for x in points)
    found = shifts_of(old, new)
    if gap == 0 and not any(a != b for a, b in zip(old, new, strict=False)):
        assert found == []
        return
    (shift,) = found
    assert shift.shift == pytest.approx(gap)
    assert shift.changed == sum(a != b for a, b in zip(old, new, strict=False))
    there = [np.array([v for v in values if v is not None]) for values in (old, new)]
    if all(map(len, there)):
        pooled = math.sqrt((there[0].var() + there[1].var()) / 2)
        levels = [v for v in points if v > -math.inf]
        area = sum((b - a) * abs((there[0] <= a).mean() - (there[1] <= a).mean())
                   for a, b in zip(levels, levels[1:], strict=False))  # fmt: skip
        assert shift.distance == (pytest.approx(area / pooled) if pooled else None if area else 0.0)
    else:
        assert shift.distance is None


@pytest.mark.parametrize(
    ("old", "new", "kind", "shift"),
    [
        ([True, True, False, None], [True, True, True, None], "flag", 0.25),
        (["a", "b"], ["b", "a"], "text", 0.0),  # the same shares of other segments
        (["a", "b"], ["c", None], "text", 1.0),
        ([1.0, 2.0], [None, None], "number", 1.0),
        ([1.0, math.nan], [1.0, math.inf], "number", 0.5),
        ([], [1.0], "number", 1.0),
    ],
)
def test_shifts_that_can_be_told_by_hand(old, new, kind, shift):
    (found,) = shifts_of([None if isinstance(v, float) and math.isnan(v) else v for v in old], new, kind)
    assert found.shift == pytest.approx(shift)


def test_moved_segments_are_the_ten_that_moved_most_and_histograms_count_everybody():
    old, new = [float(i) for i in range(40)], [float(i + (i % 13) * 2) for i in range(40)]
    (found,) = shifts_of(old, [*new[:-1], None])
    deltas = sorted((abs(b - a) for a, b in zip(old[:-1], new[:-1], strict=True)), reverse=True)
    assert [abs(m.delta) for m in found.moved] == deltas[:10]
    assert found.changed == 37 and found.after.missing == 1  # three multiples of 13 stay; the last is missing now
    assert sum(found.histogram.before) == 40 and sum(found.histogram.after) == 39
    assert found.histogram.above and not found.histogram.below  # two of the values are the least one


@pytest.mark.parametrize("compacted", ["no", "before", "both"])
def test_a_layer_made_anew_is_seen_in_facts_gates_and_nowhere_else(lake, compacted):
    made = fill(lake)
    if compacted != "no":
        compact_into(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])  # of 80, 100, 120
    if compacted == "both":
        compact_into(lake, branch="exp")
    found = compared(lake)
    assert [(x.layer, x.changed, x.added, x.vanished, x.remade) for x in found.layers] == [("luminance", 3, 0, 0, 0)]
    assert {f.fact: f.changed for f in found.facts} == {"luminance.mean": 3, "luminance.darkest": 3}
    assert found.facts_same == 1  # rows
    moved = next(f for f in found.facts if f.name == "mean").moved
    assert [(m.segment_id, m.old, m.new, m.delta) for m in moved] == [
        (made[2].id, 80.0, 150.0, 70.0), (made[3].id, 100.0, 150.0, 50.0), (made[4].id, 120.0, 150.0, 30.0)
    ]  # fmt: skip
    lit, blinks = found.gates
    assert (lit.to_flagged, lit.to_passed, lit.to_unknown, blinks.count) == (3, 0, 0, 0)
    assert {f.segment_id for f in lit.flips} == {s.id for s in made[2:5]}
    assert (lit.flips[0].value_before, lit.flips[0].value_after, lit.flips[0].why) == (80.0, 150.0, LIT.reason)
    assert (lit.before.passed, lit.before.flagged, lit.after.passed) == (16, 4, 13)
    assert found.segments_flipped == 3
    back = compared(lake, "exp", "main")
    assert (back.gates[0].to_passed, back.facts[0].shift) == (3, found.facts[0].shift)


def test_the_same_bytes_by_another_recipe_are_told_apart_from_a_change(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    with lake.transaction("exp", {}) as tx:
        path = f"layers/luminance/ann/{made[0].id}.parquet"
        tx.put(path, lake.read("main", path), {"fingerprint": "another"})
    found = compared(lake)
    assert (found.layers[0].changed, found.layers[0].remade) == (0, 1)
    assert not found.facts and not found.segments_flipped
    assert found.sentence().startswith("0 layer tables differ")


def test_segments_that_come_and_go_and_a_layer_that_fails(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    with lake.transaction("exp", {}) as tx:
        put_segment(tx, segments("zoe", 1)[0], mean=100.0, blinks=[True])
        for path in lake.entries("main", "segments/bob/"):
            tx.delete(path.path)
        tx.delete(f"layers/luminance/ann/{made[1].id}.parquet")
    found = compared(lake)
    assert found.segments_added == [segments("zoe", 1)[0].id] and len(found.segments_vanished) == 5
    assert (found.before.segments, found.after.segments) == (20, 16)
    assert found.gates[0].to_unknown == 1 and found.gates[0].flips[0].why == "missing: luminance"
    mean = next(f for f in found.facts if f.fact == "luminance.mean")
    assert mean.after.missing == 1 and mean.moved[-1].new is None and mean.moved[-1].delta is None


def test_stored_flags_that_lag_behind_do_not_lie(lake):
    made = fill(lake)
    with lake.transaction("main", {}) as tx:
        for segment in made:  # everybody passed, long ago
            row = {"segment_id": segment.id, "gate": "lit", "value": 1.0, "passed": True, "reason": None}
            tx.put(f"flags/{segment.video_id}/{segment.id}.parquet", parquet([row]))
    publish_spec(lake, "name: talks\nwhere: flags.passed\nsize: {segments: {min: 1}}\n")
    lake.create_branch("exp", "main")
    brighten(lake, "exp", [made[2]])
    (check,) = compared(lake).datasets
    assert check.members == 20
    assert [(d.segment_id, d.why) for d in check.disqualified] == [
        (made[2].id, "flags.passed (lit: too dark or too bright)")
    ]
    assert check.already == sum(1 for s in made if s.start_ms // 4000 % 5 == 0 or s.start_ms // 4000 % 3 == 0)


def test_members_that_would_no_longer_qualify_and_the_part_that_fails(lake):
    made = fill(lake)
    where = "luminance.mean < 130 AND (speaker = 'ann' OR speaker = 'bob')"
    spec = f"name: talks\nwhere: {where}\nsize: {{segments: {{min: 1}}}}\n"
    version = publish_spec(lake, spec)
    before = lake.read(version.commit_id, "datasets/talks/index.parquet")
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[:2])
    with lake.transaction("exp", {}) as tx:
        tx.delete(f"segments/bob/{made[5].id}.mp4")
    (check,) = compared(lake).datasets
    assert (check.dataset, check.tag, check.members, check.already) == ("talks@v1", "dataset/talks/v1", 15, 0)
    assert [(d.segment_id, d.why) for d in check.disqualified] == [
        (made[0].id, "(luminance.mean < 130)"), (made[1].id, "(luminance.mean < 130)"),
        (made[5].id, "the segment is gone"),
    ]  # fmt: skip
    assert lake.read(version.tag, "datasets/talks/index.parquet") == before


def test_the_newest_version_of_a_dataset_or_all_of_them(lake):
    fill(lake)
    for take in (1, 2):
        text = f"name: talks\ndescription: take {take}\nsize: {{segments: {{min: 1}}}}\nwhere: blink.is_blinking\n"
        publish_spec(lake, text)
    lake.create_branch("exp", "main")
    assert [c.dataset for c in compared(lake).datasets] == ["talks@v2"]
    assert [c.dataset for c in compared(lake, versions="all").datasets] == ["talks@v1", "talks@v2"]


def test_a_specification_that_can_no_longer_be_asked_says_so(lake):
    fill(lake)
    publish_spec(lake, "name: talks\nsize: {segments: {min: 1}}\nwhere: blink.is_blinking\n")
    (check,) = compare(lake, "main", "main", layers={"luminance": LAYERS["luminance"]}, gates=[LIT]).datasets
    assert check.problem and "blink" in check.problem


def test_a_gate_that_is_no_question_is_named(lake):
    fill(lake)
    with pytest.raises(ConfigError) as caught:
        compare(lake, "main", "main", layers=LAYERS, gates=[Gate("odd", "luminance.nonsense > 1", "1", "x", "ours")])
    assert caught.value.code == "CONFIG_GATE" and caught.value.where == "odd"


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("flags.passed", ["flags.passed"]),
        ("a > 1 AND (b OR c) -- why\n AND d", ["(a > 1)", "(b OR c)", "d"]),
        ("(a AND b) OR c", ["(a AND b) OR c"]),
    ],
)
def test_conjuncts(where, parts):
    assert conjuncts_of(where) == parts


def test_markdown_and_picture_of_everything_and_of_nothing(lake, tmp_path):
    made = fill(lake)
    publish_spec(lake, "name: talks\nsize: {segments: {min: 1}}\nwhere: luminance.mean < 130\n")
    lake.create_branch("exp", "main")
    same = compared(lake)
    assert same.is_empty and "have the same facts" in markdown(same)
    brighten(lake, "exp", made[:9])
    found = compared(lake)
    text = markdown(found, picture="diff.png")
    assert text.startswith("# main → exp\n") and "![what moved](diff.png)" in text
    for table in text.split("\n\n"):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in lines}) <= 1  # every row has all its cells
    assert "luminance.mean BETWEEN 50 AND 120" in text and "talks@v1" in text
    sizes = [draw(each, tmp_path / name).stat().st_size for each, name in ((same, "same.png"), (found, "found.png"))]
    assert sizes[1] > sizes[0] > 1000
    assert draw(found, tmp_path / "again.png").read_bytes() == (tmp_path / "found.png").read_bytes()
