"""Parquet: types come through, and a small file that unpacks to a large one is refused before it does."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hour_lake.errors import ManifestError
from hour_lake.manifests.read import Manifest, read_manifest
from hour_lake.manifests.table import manifest_table
from hour_lake.settings import Limits


def parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True, **options)
    return sink.getvalue()


def read(data: bytes, limits: Limits | None = None) -> Manifest:
    return read_manifest(data, name="m.parquet", limits=limits or Limits())


COLUMNS = {
    "small": pa.array([1, None], pa.int8()),
    "large": pa.array([2**63, 1], pa.uint64()),
    "single": pa.array([0.5, None], pa.float32()),
    "day": pa.array([date(2024, 1, 2), None]),
    "at": pa.array([datetime(2024, 1, 2, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    "price": pa.array([Decimal("1.20"), None], pa.decimal128(9, 2)),
    "blob": pa.array([b"\0\xff", None]),
    "tags": pa.array([["a"], []], pa.list_(pa.string())),
    "named": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
    "inner": pa.array([{"a": 1}, None], pa.struct([("a", pa.int32())])),
}


def test_columns_keep_their_types_and_values() -> None:
    table = pa.table({"source": ["a.mp4", "b.mp4"], **COLUMNS})
    found = manifest_table(read(parquet(table)))
    for name in COLUMNS:
        assert found.schema.field(name).type == table.schema.field(name).type, name
        assert found.column(name).to_pylist() == table.column(name).to_pylist(), name


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        (pa.array(["x", "y"]).dictionary_encode(), pa.string(), ["x", "y"]),
        (pa.nulls(2), pa.string(), [None, None]),
        (pa.array([1_500, 2_999], pa.timestamp("ns")), pa.timestamp("us"), [datetime(1970, 1, 1, 0, 0, 0, 1),
                                                                           datetime(1970, 1, 1, 0, 0, 0, 2)]),
    ],
)  # fmt: skip
def test_types_that_sql_does_not_know_become_near_ones(column: pa.Array, kind: pa.DataType, values: list[str]) -> None:
    found = manifest_table(read(parquet(pa.table({"source": ["a.mp4", "b.mp4"], "x": column}))))
    assert found.schema.field("x").type == kind
    assert found.column("x").to_pylist() == values


def test_the_table_of_a_manifest_can_be_asked(tmp_path) -> None:
    table = manifest_table(read(parquet(pa.table({"source": ["a.mp4", "b.mp4"], **COLUMNS}))))
    pq.write_table(table, tmp_path / "m.parquet")
    asked = "select count(small), sum(single), max(day) from read_parquet(?)"
    assert duckdb.execute(asked, [str(tmp_path / "m.parquet")]).fetchone() == (1, 0.5, date(2024, 1, 2))


def test_a_bad_row_is_refused_by_its_number_and_the_others_are_taken() -> None:
    table = pa.table({"id": ["a", "..", "c"], "source": ["a.mp4", "b.mp4", "c.mp4"]})
    found = read(parquet(table))
    assert [row.video_id for row in found.rows] == ["a", "c"]
    assert [error.where for error in found.refused] == ["m.parquet, row 2, column id"]


def test_numbers_as_ids() -> None:
    """A column of whole numbers with a gap is one of floats, as pandas writes it."""
    found = read(parquet(pa.table({"id": [7.0, None, float("nan")], "source": ["a.mp4", "b.mp4", "c.mp4"]})))
    assert [row.raw_id for row in found.rows] == ["7", "b.mp4", "c.mp4"]
    assert found.rows[0].video_id == "7"


def test_the_same_row_twice_is_one_row_though_nan_is_not_itself() -> None:
    table = pa.table({"id": ["a", "a"], "source": ["a.mp4"] * 2, "x": [float("nan")] * 2})
    found = read(parquet(table))
    assert (len(found.rows), found.refused) == (1, [])
    assert found.notices == ["a stands 2 times (rows 1, 2)"]


def test_a_bomb_of_rows_is_refused_by_its_footer() -> None:
    data = parquet(pa.table({"source": pa.repeat("a.mp4", 2_000_000)}))
    assert len(data) < 100_000
    with pytest.raises(ManifestError, match="2000000 rows") as caught:
        read(data)
    assert caught.value.code == "MANIFEST_LIMIT"


def test_a_bomb_of_bytes_is_refused_while_it_unpacks() -> None:
    data = parquet(pa.table({"source": pa.repeat("x" * 100_000, 2_000)}))
    assert len(data) < 200_000
    with pytest.raises(ManifestError) as caught:
        read(data, Limits(max_manifest_bytes=30_000_000))
    assert caught.value.code == "MANIFEST_LIMIT"


def test_bad_columns() -> None:
    twice = pa.Table.from_arrays([pa.array(["a.mp4"]), pa.array(["b.mp4"])], names=["source", "source"])
    none = pa.table({"path": ["a.mp4"]})
    for table in (twice, none):
        with pytest.raises(ManifestError) as caught:
            read(parquet(table))
        assert caught.value.code == "MANIFEST_SCHEMA"


def test_any_byte_that_is_changed_is_noticed() -> None:
    """Page checksums and the footer: damage is refused, or changes nothing that is read."""
    good = parquet(pa.table({"source": [f"{n}.mp4" for n in range(50)]}), compression="none")
    rows = read(good).rows
    for at in range(0, len(good), 23):
        try:
            assert read(good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :]).rows == rows
        except ManifestError as error:
            assert error.code in ("MANIFEST_CORRUPT", "MANIFEST_FORMAT", "MANIFEST_SCHEMA", "MANIFEST_LIMIT")  # noqa: PT017
