"""A layer over the whole corpus: what it is given, what it may return, and which declarations are refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hour_lake.errors import HourLakeError
from hour_lake.passes.corpus import CorpusOutcome, CorpusTask, run_corpus
from hour_lake.passes.plan import passes_of
from hour_lake.passes.tables import from_parquet, parquet_bytes
from hour_lake_tests.toy_layers import layers_of, write_layer

VALUES = """
    @layer(reads="samples", columns={"value": "float32", "pair": "float32[2]"}, rows="segment")
    def values(samples): return {"value": 1.0, "pair": [1.0, 2.0]}
"""
OVER_ALL = """
    @layer(reads="values", rows="corpus", columns={"above": "float32", "kind": "string"})
    def over_all(values, *, factor: float = 2.0): return RETURNED
"""
GOOD = '{"segment_id": values["segment_id"], "above": factor * values["pair"][:, 1], "kind": ["x"] * 3}'


def table() -> bytes:
    """As the catalog gives it: its compacted tables do not keep the length of a list."""
    ids = [f"v_{k:08d}_{k + 1:08d}" for k in range(3)]
    pairs = pa.array(
        [[1.0, 2.0], [3.0, 4.0], None], pa.list_(pa.float32())
    )  # as the catalog's compacted tables have it
    return parquet_bytes(pa.table({"segment_id": ids, "value": pa.array([1.0, 2.0, 3.0], pa.float32()), "pair": pairs}))


def outcome(folder: Path, returned: str) -> CorpusOutcome | HourLakeError:
    write_layer(folder, "values", VALUES)
    write_layer(folder, "over_all", OVER_ALL.replace("RETURNED", returned))
    return run_corpus(CorpusTask("over_all", {"values": table()}, {"factor": 10.0}, (str(folder),)))


def test_it_gets_all_rows_with_their_segments_and_gives_each_segment_its_own(tmp_path: Path) -> None:
    found = outcome(tmp_path, GOOD)
    assert isinstance(found, CorpusOutcome)
    assert list(found.files) == ["v_00000000_00000001", "v_00000001_00000002", "v_00000002_00000003"]
    assert from_parquet(found.files["v_00000001_00000002"])["above"].tolist() == [40.0]
    assert np.isnan(from_parquet(found.files["v_00000002_00000003"])["above"]).all()  # its pair was not known
    file = pq.read_table(pa.BufferReader(found.files["v_00000000_00000001"]))
    assert file.column_names == ["segment_id", "above", "kind"]
    assert file.column("segment_id").to_pylist() == ["v_00000000_00000001"]
    assert (found.rows, found.distinct) == (3, {"kind": 1})
    again = outcome(tmp_path, GOOD)
    assert isinstance(again, CorpusOutcome) and again.files == found.files


def test_a_segment_may_have_several_rows_or_none(tmp_path: Path) -> None:
    one = 'values["segment_id"][1]'
    found = outcome(tmp_path, f'{{"segment_id": [{one}, {one}], "above": [1, 2], "kind": ["x", "y"]}}')
    assert isinstance(found, CorpusOutcome)
    assert list(found.files) == ["v_00000001_00000002"] and found.rows == 2
    assert from_parquet(found.files["v_00000001_00000002"])["kind"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("returned", "code", "words"),
    [
        ('{"above": [1.0, 2, 3], "kind": list("abc")}', "LAYER_OUTPUT", "must say whose its 3 rows are"),
        ('{"segment_id": ["x"] * 3, "above": [1.0, 2, 3], "kind": list("abc")}', "LAYER_OUTPUT", "not given"),
        ('{"segment_id": values["segment_id"], "above": [1.0, 2, 3]}', "LAYER_OUTPUT", "did not return a column"),
        ('{"segment_id": values["segment_id"], "above": [1.0, 2], "kind": list("abc")}', "LAYER_OUTPUT", "rows"),
        ("[1]", "LAYER_OUTPUT", "must return a dict"),
        ('values["nothing"]', "LAYER_FAILED", "raised KeyError"),
    ],
)
def test_what_is_wrong_with_the_answer_is_said_with_the_line(
    tmp_path: Path, returned: str, code: str, words: str
) -> None:
    error = outcome(tmp_path, returned)
    assert isinstance(error, HourLakeError)
    assert error.code == code and words in error.message
    assert error.where and error.where.startswith(str(tmp_path / "over_all.py:"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('@layer(reads=("values", "frames"), rows="corpus", columns={"x": "float32"})\ndef bad(values, frames): ...',
         "looks at the whole corpus"),
        ('@layer(reads="values", rows="corpus", columns={"x": "float32"})\nclass bad:\n    def __call__(self, v): ...',
         "looks at the whole corpus"),
        ('@layer(reads="over_all", columns={"x": "float32"})\ndef bad(over_all): ...', "comes after all others"),
        ('@layer(reads="over_all", rows="corpus", columns={"x": "float32"})\ndef bad(over_all): ...',
         "comes after all others"),
    ],
)  # fmt: skip
def test_what_cannot_be_over_the_corpus_is_refused_and_the_others_stay(tmp_path: Path, body: str, words: str) -> None:
    layers = layers_of(tmp_path, values=VALUES, over_all=OVER_ALL.replace("RETURNED", GOOD), bad=body)
    (error,) = [e for e in layers.broken if str(tmp_path) in str(e.where)]
    assert error.code == "LAYER_READS" and words in error.message
    assert "bad.py:" in str(error.where)
    assert {"values", "over_all"} <= set(layers) and "bad" not in layers


def test_it_is_in_no_pass(tmp_path: Path) -> None:
    layers = layers_of(tmp_path, values=VALUES, over_all=OVER_ALL.replace("RETURNED", GOOD))
    named = {layer.name for each in passes_of(layers.values()) for layer in each.layers}
    assert "values" in named and not {"over_all", "people", "duplicates"} & named
    assert layers["over_all"].group == "corpus"
