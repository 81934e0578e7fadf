"""Gates: a value and a verdict per segment and gate, and NULL where nobody can know."""

import io

import numpy as np
import pyarrow.parquet as pq
import pytest

from hour_lake.catalog.batch import facts_of_table
from hour_lake.catalog.connect import connect
from hour_lake.catalog.expression import columns_of
from hour_lake.catalog.gates import Gate, flags_of, load_gates
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.errors import ConfigError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.passes.registry import load_layers
from hour_lake_tests.catalog_corpus import (
    LAYERS,
    compact_into,
    fill,
    luminance,
    put_manifest,
    put_segment,
    put_video,
    segments,
)

EXPOSURE = Gate("exposure", "luminance.mean BETWEEN 60 AND 100", "luminance.mean", "it's too dark or bright", "test")
BLINKS = Gate("blinks", "blink.blinks_per_minute < 30", "blink.blinks_per_minute", "too many blinks", "test")
GATES = [EXPOSURE, BLINKS]


@pytest.fixture
def lake(tmp_path):
    return EmbeddedLake.open(tmp_path / "lake")


def test_verdicts_values_and_reasons(lake):
    made = fill(lake)
    found = flags_of(lake, "main", made, gates=GATES, layers=LAYERS)
    assert sorted(found) == sorted(segment.id for segment in made)
    dark = found["bob_00000000_00004000"]
    assert (dark.passed, dark.failed) == (False, ("exposure",))
    assert [(r["gate"], r["value"], r["passed"], r["reason"]) for r in dark.rows] == [
        ("exposure", 40.0, False, "it's too dark or bright"), ("blinks", 0.0, True, None),
    ]  # fmt: skip
    assert found["bob_00004000_00008000"].passed is True
    assert pq.read_table(io.BytesIO(dark.data)).to_pylist() == dark.rows


def test_a_missing_layer_or_fact_is_no_verdict_and_says_what_is_missing(lake):
    first, second, third = segments("ann", 3)
    with lake.transaction("main", {}) as tx:
        put_segment(tx, first, mean=80.0)
        put_segment(tx, second, mean=10.0)
        put_segment(tx, third, mean=None, blinks=[])
    gone = Gate("sharp", "sharpness.mean > 3", "sharpness.mean", "blurred", "test")
    found = flags_of(lake, "main", [first, second, third], gates=[*GATES, gone], layers=LAYERS)
    assert found[first.id].passed is None and found[first.id].failed == ()
    assert found[second.id].passed is False
    assert [row["reason"] for row in found[first.id].rows] == [None, "missing: blink", "missing: sharpness"]
    assert found[third.id].rows[0]["reason"] == "missing: luminance"


def test_flags_reach_facts_and_a_new_gate_is_a_new_field(lake):
    made = fill(lake)
    compact_into(lake)
    for gates in ([EXPOSURE], GATES):
        with lake.transaction("main", {}) as tx:
            for segment_id, verdict in flags_of(lake, "main", made[:10], gates=gates, layers=LAYERS).items():
                tx.put(f"flags/{segment_id.split('_')[0]}/{segment_id}.parquet", verdict.data)
        for _ in range(2):
            with connect(lake=lake, layers=LAYERS) as connection:
                rows = connection.execute("SELECT segment_id, flags FROM facts ORDER BY segment_id").fetchall()
            flags = dict(rows)
            assert set(flags["bob_00000000_00004000"]) == {"passed", *(gate.name for gate in gates)}
            assert flags["bob_00000000_00004000"]["passed"] is False
            assert flags["bob_00004000_00008000"]["exposure"] is True
            assert flags["cyd_00000000_00004000"] is None
            compact_into(lake)


def test_gates_may_ask_the_video_and_the_manifest(lake):
    segment = segments("ann", 1)[0]
    with lake.transaction("main", {}) as tx:
        put_segment(tx, segment)
        put_video(tx, "ann", height=480)
        put_manifest(tx, "one", ["ann"], take=2)
    gates = [Gate("tall", "video.height_px >= 720", "video.height_px", "too small", "test"),
             Gate("take", "manifest.take = 2 AND speaker = 'ann'", "manifest.take", "wrong take", "test")]  # fmt: skip
    assert gates[0].layers == ()
    assert flags_of(lake, "main", [segment], gates=gates, layers=LAYERS)[segment.id].failed == ("tall",)


def test_a_batch_reads_its_own_files_only(lake, monkeypatch):
    made = fill(lake)
    opened, place = [], lake.location
    monkeypatch.setattr(lake, "location", lambda commit, entry: opened.append(entry.path) or place(commit, entry))
    flags_of(lake, "main", made[:1], gates=[EXPOSURE], layers=LAYERS)
    assert sorted(path.split("/")[0] for path in set(opened)) == ["layers", "manifests", "videos"]


def test_the_default_gates_load_and_have_a_source_each():
    gates = load_gates()
    assert len(gates) >= 1 and all(gate.source and gate.reason for gate in gates)


GOOD = "gates:\n - {name: a, predicate: luminance.mean > 3, value: luminance.mean, reason: r, source: s}\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gates: 3", "CONFIG_TYPE"),
        ("[]", "CONFIG_TYPE"),
        (GOOD + " - {name: a, predicate: 'true', value: '1', reason: r, source: s}", "CONFIG_TYPE"),
        (GOOD + " - {name: b, predicate: 'true', value: '1', reason: r}", "CONFIG_TYPE"),
        (GOOD + " - {name: b, predicate: 'true', value: '1', reason: r, source: s, more: x}", "CONFIG_UNKNOWN_KEY"),
        (GOOD + " - {name: passed, predicate: 'true', value: '1', reason: r, source: s}", "CONFIG_TYPE"),
        (GOOD + " - {name: b, predicate: 'mean >', value: '1', reason: r, source: s}", "CONFIG_GATE"),
        (GOOD + " - {name: b, predicate: '(select 1)', value: '1', reason: r, source: s}", "CONFIG_GATE"),
        (GOOD + " - {name: b, predicate: '1), (2', value: '1', reason: r, source: s}", "CONFIG_GATE"),
        (GOOD + " - {name: b, predicate: '1) from facts; select (2', value: '1', reason: r, source: s}", "CONFIG_GATE"),
        (GOOD + " - !!python/object:os.system {}", "CONFIG_UNSAFE"),
        (GOOD + " - &a {b: *a}", "CONFIG_UNSAFE"),
    ],
)
def test_a_wrong_file_of_gates_is_refused_with_a_code(tmp_path, text, code):
    file = tmp_path / "gates.yaml"
    file.write_text(GOOD)
    assert [gate.name for gate in load_gates(file)] == ["a"]
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_gates(file)
    assert caught.value.code == code


def test_a_gate_over_a_fact_that_is_not_there_names_it(lake):
    made = fill(lake)
    wrong = Gate("bright", "luminance.avg > 3", "luminance.avg", "r", "s")
    with pytest.raises(ConfigError, match="CONFIG_GATE.*avg"):
        flags_of(lake, "main", made, gates=[wrong], layers=LAYERS)
    assert len(flags_of(lake, "main", made, gates=GATES, layers=LAYERS)) == 20


@pytest.mark.parametrize(
    ("text", "columns"),
    [("a.b > 3 AND f(c)", {("a", "b"), ("c",)}), ("1", set()), ("x -- y", {("x",)}), ("'a.b'", set())],
)
def test_columns_of_an_expression(text, columns):
    assert columns_of(text) == columns


@pytest.mark.parametrize("text", ["", "a from facts", "*", "1; select 2", "exists (select 1)", ")"])
def test_what_is_no_expression(text):
    with pytest.raises(ValueError):
        columns_of(text)


def test_an_untouched_snapshot_does_not_use_the_tables(lake):
    fill(lake)
    compact_into(lake)
    assert Snapshot(lake, "main", use_tables=False).base is None
    assert Snapshot(lake, "main").base is not None


def test_the_default_gates_ask_for_facts_that_our_layers_have(lake):
    layers = load_layers().layers
    made = fill(lake)
    found = flags_of(lake, "main", made[:1], gates=load_gates(), layers=layers)[made[0].id]
    asked = {name for gate in load_gates() for name in gate.layers}
    assert asked <= set(layers)
    assert {row["reason"].partition(": ")[0] for row in found.rows if row["passed"] is None} == {"missing", "not known"}


def test_facts_of_a_table_that_is_in_no_lake():
    luma = np.array([10, 20, 60], np.float32)
    table = {"frame_index": np.arange(3, dtype=np.int32), "time_seconds": np.arange(3) / 25, "mean": luma}
    assert facts_of_table(luminance, table, duration_seconds=0.12) == {"rows": 3, "mean": 30.0, "darkest": 10.0}
