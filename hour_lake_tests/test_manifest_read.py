"""Manifests: every bad input has its code and its place, and the good rows beside it are taken."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.errors import ManifestError
from hour_lake.identity import VIDEO_ID
from hour_lake.manifests.read import Manifest, read_manifest
from hour_lake.manifests.table import manifest_table
from hour_lake.settings import Limits

GOOD = "good,good.mp4,ann"
SHA = "a" * 64


def read(text: str | bytes, name: str = "talks.csv", **options: object) -> Manifest:
    data = text.encode() if isinstance(text, str) else text
    return read_manifest(data, name=name, limits=Limits(), **options)  # pyright: ignore[reportArgumentType]


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True, compression="none")
    return sink.getvalue()


PARQUET = parquet(pa.table({"source": ["a.mp4"] * 500, "note": ["x" * 20] * 500}))
BAD_FILES = [
    ("MANIFEST_EMPTY", b"", "m.csv"),
    ("MANIFEST_EMPTY", b" \n\n", "m.csv"),
    ("MANIFEST_EMPTY", b"id,source\n", "m.csv"),
    ("MANIFEST_EMPTY", b"[]", "m.json"),
    ("MANIFEST_SCHEMA", b"id,path\nx,y.mp4\n", "m.csv"),
    ("MANIFEST_SCHEMA", b'{"path": "y.mp4"}\n', "m.jsonl"),
    ("MANIFEST_SCHEMA", b"source,source\na.mp4,b.mp4\n", "m.csv"),
    ("MANIFEST_SCHEMA", b"source,Note,note\na.mp4,1,2\n", "m.csv"),
    ("MANIFEST_SCHEMA", b"source,video_id\na.mp4,1\n", "m.csv"),
    ("MANIFEST_ENCODING", b"source\n\xff\xfea.mp4\n", "m.csv"),
    ("MANIFEST_ENCODING", "source\na.mp4\n".encode("utf-16"), "m.csv"),
    ("MANIFEST_ENCODING", b"source\na\0.mp4\n", "m.csv"),
    ("MANIFEST_FORMAT", PARQUET, "m.csv"),
    ("MANIFEST_FORMAT", b"source\na.mp4\n", "m.parquet"),
    ("MANIFEST_FORMAT", b"source\na.mp4\n", "m.xlsx"),
    ("MANIFEST_FORMAT", b'{"source": "a.mp4"}', "m.json"),
    ("MANIFEST_FORMAT", b'[{"source": "a.mp4"},]', "m.json"),
    ("MANIFEST_FORMAT", b"source\n" + b"a,b,c\n" * 50, "m.csv"),
    ("MANIFEST_CORRUPT", PARQUET[: len(PARQUET) // 2], "m.parquet"),
    ("MANIFEST_CORRUPT", PARQUET[:200] + bytes([PARQUET[200] ^ 255]) + PARQUET[201:], "m.parquet"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "data", "name"), BAD_FILES)
def test_a_bad_file_is_refused_whole(code: str, data: bytes, name: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(data, name)
    assert caught.value.code == code
    assert caught.value.where == name
    assert caught.value.fix


def test_the_byte_offset_of_a_wrong_encoding_is_told() -> None:
    with pytest.raises(ManifestError) as caught:
        read(b"source\nab\xff.mp4\n")
    assert caught.value.value == "byte 9"


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ManifestError, match="`source`"):
        read("id,path\nx,y.mp4\n")


BAD_ROWS = [
    ("ROW_PARSE", "too,many.mp4,values,here"),
    ("ROW_PARSE", "few"),
    ("ROW_PARSE", 'x,"unclosed.mp4,ann'),
    ("ROW_PARSE", "nothing,,ann"),
    ("ID_INVALID", "..,x.mp4,ann"),
    ("ID_INVALID", "a/b,x.mp4,ann"),
    ("ID_INVALID", '"a,b",x.mp4,ann'),
    ("ID_INVALID", '"a\nb",x.mp4,ann'),
    ("ID_INVALID", "x" * 300 + ",x.mp4,ann"),
    ("ID_INVALID", "e\u0301cole,x.mp4,ann"),
    ("ID_INVALID", "gp4.\u202ecod,x.mp4,ann"),
    ("ID_INVALID", "  ,x.mp4,ann"),
]


@pytest.mark.parametrize(("code", "row"), BAD_ROWS)
def test_a_bad_row_is_refused_and_good_ones_are_taken(code: str, row: str) -> None:
    found = read(f"id,source,speaker\n{GOOD}\n{row}\n")
    assert [r.video_id for r in found.rows] == ["good"]
    assert [e.code for e in found.refused] == [code]
    assert "line 3" in (found.refused[0].where or "")
    assert found.refused[0].fix


BAD_JSON = [
    '{"source": "a.mp4",}',
    '{"source": NaN}',
    '{"source": "a", "source": "b"}',
    "[" * 200 + "]" * 200,
    '"text"',
    '{"source": ["a"]}',
    '{"source": "a.mp4", "id": ""}',
]


@pytest.mark.parametrize("line", BAD_JSON)
def test_a_bad_json_line_is_refused_and_good_ones_are_taken(line: str) -> None:
    found = read(f'{{"source": "good.mp4", "id": "good"}}\n{line}\n{{"source": "fine.mp4", "id": "fine"}}\n', "m.jsonl")
    assert [r.video_id for r in found.rows] == ["good", "fine"]
    assert len(found.refused) == 1
    assert "line 2" in (found.refused[0].where or "")


@pytest.mark.parametrize(
    ("start", "stop"), [("5", "5"), ("9", "3"), ("-1", "3"), ("nan", "3"), ("0", "inf"), ("soon", "3")]
)
def test_an_impossible_range_is_refused(start: str, stop: str) -> None:
    found = read(f"id,source,start_seconds,stop_seconds\ngood,g.mp4,1.5,4\nbad,b.mp4,{start},{stop}\nwhole,w.mp4,,\n")
    assert [(r.video_id, r.start_seconds, r.stop_seconds) for r in found.rows] == [
        ("good", 1.5, 4.0),
        ("whole", None, None),
    ]
    assert [e.code for e in found.refused] == ["RANGE_INVALID"]


def test_the_same_row_twice_is_one_row_and_a_notice() -> None:
    found = read(f"id,source,speaker\n{GOOD}\n{GOOD}\n")
    assert [r.video_id for r in found.rows] == ["good"]
    assert "lines 2, 3" in found.notices[0]


def test_two_rows_of_one_id_that_differ_are_both_refused() -> None:
    found = read(f"id,source,speaker\nbob,a.mp4,x\n{GOOD}\nbob,b.mp4,x\n")
    assert [r.video_id for r in found.rows] == ["good"]
    assert [e.code for e in found.refused] == ["MANIFEST_DUP_CONFLICT"] * 2
    assert {e.where for e in found.refused} == {"talks.csv, line 2, column id", "talks.csv, line 4, column id"}


def test_bounds_in_milliseconds() -> None:
    found = read("id,source,start_ms,stop_ms\ngood,g.mp4,1500,4000\nbad,b.mp4,4000,1500\nodd,o.mp4,1.5e3,\n")
    assert [(r.video_id, r.start_seconds, r.stop_seconds) for r in found.rows] == [
        ("good", 1.5, 4.0), ("odd", 1.5, None)
    ]  # fmt: skip
    assert [e.code for e in found.refused] == ["RANGE_INVALID"]


BAD_POINTERS = [
    ("URI_SCHEME", "gopher://host/x"),
    ("URI_SCHEME", "concat:a.mp4|b.mp4"),
    ("URI_CREDENTIALS", "https://ann:hunter2@example.org/x.mp4"),
    ("URI_CREDENTIALS", "s3://key:hunter2@bucket/x.mp4"),
    ("URI_FORBIDDEN", "a\u202e4pm.mp4"),
]


@pytest.mark.parametrize(("code", "source"), BAD_POINTERS)
def test_a_pointer_that_is_bad_by_its_text_is_refused_in_its_line(code: str, source: str) -> None:
    found = read(f"id,source\ngood,g.mp4\nbad,{source}\n")
    assert [r.video_id for r in found.rows] == ["good"]
    assert [(e.code, e.where) for e in found.refused] == [(code, "talks.csv, line 3, column source")]
    assert found.refused[0].fix
    assert "hunter2" not in str(found.refused)


def test_a_signature_is_no_part_of_a_name_and_kept_in_no_column() -> None:
    """One object signed on two days is one video."""
    days = [f"https://h.org/talk.mp4?X-Amz-Date={n}&X-Amz-Signature=hunter{n}&take=2" for n in (1, 2)]
    (one,), (other,) = (read(f"source\n{day}\n").rows for day in days)
    assert one.video_id == other.video_id and one.video_id.startswith("talk-")
    assert one.raw_id == "https://h.org/talk.mp4?take=2"
    assert one.source == days[0]


def test_a_column_that_was_probably_meant_is_told() -> None:
    found = read("source,license\na.mp4,cc0\n")
    assert found.rows[0].licence is None and found.rows[0].extra == {"license": "cc0"}
    assert "rename" in found.notices[0]


def test_nothing_is_lost() -> None:
    """Every line is a row, a refusal, or the twin of a row that a notice tells of."""
    lines = ["a,a.mp4", "a,a.mp4", "b,b.mp4", "b,c.mp4", "few", "..,x.mp4", "d,data:x", "e,e.mp4"]
    found = read("id,source\n" + "\n".join(lines))
    assert (len(found.rows), len(found.refused), len(found.notices)) == (2, 5, 1)


def test_limits_on_rows_and_bytes() -> None:
    data = b"source\n" + b"a.mp4\n" * 5
    for limits in (Limits(max_manifest_rows=4), Limits(max_manifest_bytes=20)):
        with pytest.raises(ManifestError) as caught:
            read_manifest(data, name="m.csv", limits=limits)
        assert caught.value.code == "MANIFEST_LIMIT"


def test_required_columns_are_policy() -> None:
    found = read("id,source,licence\ngood,g.mp4,cc0\nbad,b.mp4,\n", require=("licence",))
    assert [r.video_id for r in found.rows] == ["good"]
    assert [e.code for e in found.refused] == ["POLICY_REFUSED"]


def test_other_columns_are_kept_with_types_that_sql_can_compare() -> None:
    found = read(
        "source,take,score,code,title,ok,hex,empty\na.mp4,1,0.5,007,First,true,12e4,\n"
        "b.mp4,2,,008,Second,False,34e7,\nc.mp4,-3,7,009,n/a,,0,\n..\0.mp4,x,x,x,x,x,x,\n".replace("\0", "\u202e")
    )
    table = manifest_table(found)
    kinds = {name: str(table.schema.field(name).type) for name in table.column_names[10:]}
    assert kinds == {"take": "int64", "score": "double", "code": "string", "title": "string", "ok": "bool",
                     "hex": "string", "empty": "string"}  # fmt: skip
    assert table.column("take").to_pylist() == [1, 2, -3]
    assert table.column("score").to_pylist() == [0.5, None, 7.0]
    assert table.column("code").to_pylist() == ["007", "008", "009"]
    assert table.column("ok").to_pylist() == [True, False, None]
    assert found.rows[0].extra["score"] == 0.5


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl", "m.json", "m.parquet"])
def test_every_format_says_the_same(name: str) -> None:
    rows = [
        {"id": "a", "source": "a.mp4", "sha256": SHA, "take": 1},
        {"id": "b", "source": "b.mp4", "sha256": None, "take": 2},
    ]
    data = {
        "m.csv": f"id,source,sha256,take\na,a.mp4,{SHA},1\nb,b.mp4,,2\n".encode(),
        "m.jsonl": "\n".join(json.dumps(row) for row in rows).encode(),
        "m.json": json.dumps(rows).encode(),
        "m.parquet": parquet(pa.Table.from_pylist(rows)),
    }[name]
    table = manifest_table(read(data, name))
    assert table.select(["video_id", "source", "sha256", "take"]).to_pylist() == [
        {"video_id": "a", "source": "a.mp4", "sha256": SHA, "take": 1},
        {"video_id": "b", "source": "b.mp4", "sha256": None, "take": 2},
    ]


def test_a_row_without_an_id_gets_one_from_its_pointer() -> None:
    one, other = read("source\nfolder/My Talk.mp4\nother/My Talk.mp4\n").rows
    assert one.video_id.startswith("my-talk-") and other.video_id.startswith("my-talk-")
    assert one.video_id != other.video_id
    assert one.raw_id == "folder/My Talk.mp4"


@given(st.text(max_size=40))
def test_whatever_the_text_the_manifest_answers_with_rows_or_a_code(text: str) -> None:
    try:
        found = read("id,source\n" + text)
    except ManifestError as error:
        assert error.code.startswith("MANIFEST_")
        return
    assert all(VIDEO_ID.fullmatch(row.video_id) for row in found.rows)
    assert found.rows or found.refused
