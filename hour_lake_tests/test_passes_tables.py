"""Tables: what goes in comes back, the same values give the same bytes, and every wrong column is named."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hour_lake.errors import LakeError, LayerError
from hour_lake.passes.columns import typed
from hour_lake.passes.declare import Layer, layer
from hour_lake.passes.tables import from_parquet, schema_of, to_parquet

SEGMENT = "bob_00000000_00003000"


@layer(
    reads="frames",
    columns={"score": "float32", "count": "int16", "on": "bool", "word": "string", "points_px": "float32[4]",
             "found": "list<float32>", "picks": "int32[2]"},
)  # fmt: skip
def toy(frames: Any) -> None:
    """All kinds of columns."""


@layer(reads="samples", columns={"lufs": "float32", "points": "float32[2]", "peaks": "list<float32>", "word": "string"},
       rows="segment")  # fmt: skip
def one(samples: Any) -> None:
    """One row a segment."""


def output(rows: int = 3) -> dict[str, Any]:
    return {
        "score": np.linspace(0, 1, rows), "count": np.arange(rows), "on": np.arange(rows) % 2 == 0,
        "word": ["a", None, "c"][:rows], "points_px": np.ones((rows, 4)),
        "found": [np.arange(k, dtype=np.float32) for k in range(rows)], "picks": np.zeros((rows, 2), np.int64),
    }  # fmt: skip


def with_grid(table: Any, rows: int) -> dict[str, Any]:
    return {**table, "frame_index": np.arange(rows, dtype=np.int32), "time_seconds": np.arange(rows) / 25}


def same(left: Any, right: Any) -> bool:
    if left.dtype == object:
        return all(np.array_equal(a, b, equal_nan=isinstance(a, np.ndarray)) for a, b in zip(left, right, strict=True))
    masks = np.array_equal(np.ma.getmaskarray(left), np.ma.getmaskarray(right))
    return masks and left.dtype == right.dtype and np.array_equal(
        np.ma.getdata(left), np.ma.getdata(right), equal_nan=left.dtype.kind == "f")  # fmt: skip


floats = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(
    st.tuples(floats, st.integers(-2**15, 2**15 - 1), st.booleans(), st.booleans(), st.text(max_size=5) | st.none(),
              st.tuples(floats, floats, floats, floats) | st.just((np.nan,) * 4), st.lists(floats, max_size=3)),
    max_size=6))  # fmt: skip
def test_a_table_comes_back_as_it_was(rows: list[Any]) -> None:
    n = len(rows)
    score, count, hidden, on, word, points, found = (list(c) for c in zip(*rows, strict=True)) if n else [[]] * 7
    given_table = {
        "score": np.array(score, np.float32), "on": np.array(on, bool), "word": word,
        "count": np.ma.MaskedArray(np.array(count, np.int64), np.array(hidden, bool)),
        "points_px": np.array(points, np.float32).reshape(n, 4), "found": [np.array(f, np.float32) for f in found],
        "picks": np.arange(2 * n).reshape(n, 2),
    }  # fmt: skip
    table = with_grid(typed(toy, given_table, rows=n), n)
    data = to_parquet(toy, SEGMENT, table)
    back = from_parquet(data)
    assert list(back) == ["frame_index", "time_seconds", *toy.columns]
    assert all(same(table[name], back[name]) for name in back)
    assert to_parquet(toy, SEGMENT, back) == data


def test_nan_is_null_in_sql_and_types_are_those_declared(tmp_path: Path) -> None:
    values = output()
    values["score"][1] = np.nan
    values["points_px"][2] = np.nan
    file = tmp_path / "t.parquet"
    file.write_bytes(to_parquet(toy, SEGMENT, with_grid(typed(toy, values, rows=3), 3)))
    rows = duckdb.sql(f"select segment_id, score is null, points_px is null, word from '{file}'").fetchall()
    assert rows == [(SEGMENT, False, False, "a"), (SEGMENT, True, False, None), (SEGMENT, False, True, "c")]
    assert pq.read_schema(file).equals(schema_of(toy))


def test_one_row_may_be_given_as_plain_values() -> None:
    plain = {"lufs": -23.0, "points": (1.0, 2.0), "peaks": [0.5, 0.25], "word": "loud"}
    rows = {"lufs": [-23.0], "points": [[1.0, 2.0]], "peaks": [[0.5, 0.25]], "word": ["loud"]}
    assert to_parquet(one, SEGMENT, typed(one, plain, rows=None)) == to_parquet(
        one, SEGMENT, typed(one, rows, rows=None)
    )


WRONG: dict[str, tuple[Layer, Any, str]] = {
    "missing": (toy, {k: v for k, v in output().items() if k != "on"}, "did not return.*on"),
    "misspelt": (toy, {**output(), "scoer": [1, 2, 3]}, "did you mean 'score'|declare it"),
    "length": (toy, {**output(), "score": [1.0, 2.0]}, "3 rows"),
    "text for number": (toy, {**output(), "score": ["a", "b", "c"]}, "not float32"),
    "float for int": (toy, {**output(), "count": [0.5, 1.0, 2.0]}, "not int16"),
    "int too large": (toy, {**output(), "count": [0, 1, 40_000]}, "does not fit"),
    "float too large": (toy, {**output(), "score": [0, 1, 1e300]}, "does not fit"),
    "number for bool": (toy, {**output(), "on": [0, 1, 1]}, "not bool"),
    "number for text": (toy, {**output(), "word": [1, 2, 3]}, "not string"),
    "width": (toy, {**output(), "points_px": np.ones((3, 5))}, r"\(rows, 4\)"),
    "scalar for list": (toy, {**output(), "found": [1.0, 2.0, 3.0]}, "one list of numbers"),
    "no dict": (toy, np.ones(3), "must return a dict"),
    "two rows for one": (one, {"lufs": [1, 2], "points": np.ones((2, 2)), "peaks": [[1], [2]], "word": ["a", "b"]},
                         "1 rows"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_output_is_named_with_its_place(name: str) -> None:
    wrong, values, message = WRONG[name]
    with pytest.raises(LayerError, match=message) as caught:
        typed(wrong, values, rows=3)
    assert caught.value.code == "LAYER_OUTPUT"
    assert caught.value.where == wrong.where
    assert typed(toy, output(), rows=3)["score"].dtype == np.float32


def test_a_flipped_byte_is_never_silent() -> None:
    data = to_parquet(toy, SEGMENT, with_grid(typed(toy, output(), rows=3), 3))
    footer = int.from_bytes(data[-8:-4], "little") + 8
    silent = 0
    for position in range(4, len(data) - footer, 7):
        broken = bytearray(data)
        broken[position] ^= 0x10
        try:
            back = from_parquet(bytes(broken))
        except LakeError as error:
            assert error.code == "INTEGRITY"
        else:
            silent += any(not same(back[name], column) for name, column in from_parquet(data).items())
    assert silent == 0
