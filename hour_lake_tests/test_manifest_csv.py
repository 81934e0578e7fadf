"""CSV: a broken line costs itself and no other, whatever stands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.errors import ManifestError
from hour_lake.manifests.read import Manifest, read_manifest
from hour_lake.settings import Limits

HEADER = "id,source,note\n"


def read(text: str, limits: Limits | None = None) -> Manifest:
    return read_manifest(text.encode(), name="m.csv", limits=limits or Limits())


BROKEN = [
    ('bad,"b.mp4,', "expected after"),
    ('bad,"b.mp4" x,', "expected after"),
    ("bad,b.mp4," + "x" * 10_000_000, "field limit"),
    ("bad,b.mp4", "2 values for 3 columns"),
    ("bad,b.mp4,x,y", "4 values for 3 columns"),
    (",,", "points to no video"),
    ("bad,https://ann:hunter2@h/b.mp4,x,y", "4 values"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "told"), BROKEN, ids=lambda value: value[:20])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_rows_after_a_broken_line_are_taken(line: str, told: str, end: str) -> None:
    lines = [HEADER.strip(), "one,1.mp4,x", line, 'two,2.mp4,"a, b"', "three,3.mp4,"]
    found = read(end.join(lines) + end)
    assert [(row.video_id, row.line) for row in found.rows] == [("one", 2), ("two", 4), ("three", 5)]
    (error,) = found.refused
    assert error.code == "ROW_PARSE" and told in error.message
    assert (error.where or "").startswith("m.csv, line 3")
    assert error.fix and error.value is not None and len(error.value) <= 200
    assert "hunter2" not in str(error)


def test_two_quotes_left_open_cost_two_rows() -> None:
    """Neither meets another quote: the one is open to the next open one, the other to the end of the file."""
    found = read(HEADER + 'a,"a.mp4,\nb,b.mp4,\nc,"c.mp4,\nd,d.mp4,\n')
    assert [row.video_id for row in found.rows] == ["b", "d"]
    assert [error.where for error in found.refused] == ["m.csv, line 2", "m.csv, line 4"]


def test_a_value_over_several_lines_is_taken_and_told() -> None:
    found = read(HEADER + 'a,a.mp4,"first\nsecond"\nb,b.mp4,\n')
    assert [row.extra["note"] for row in found.rows] == ["first\nsecond", None]
    assert [row.line for row in found.rows] == [2, 4]
    assert found.notices == ["1 rows have line breaks in their values (lines 2-3)"]


def test_empty_lines_and_a_byte_order_mark_are_passed_over() -> None:
    found = read("\ufeff\n\n id , source \n\na,a.mp4\n\n")
    assert [(row.video_id, row.line) for row in found.rows] == [("a", 5)]


BAD_HEADERS = [
    ("MANIFEST_FORMAT", "id;source;note\na;a.mp4;\n", "';'"),
    ("MANIFEST_FORMAT", "id\tsource\na\ta.mp4\n", "'\\t'"),
    ("MANIFEST_FORMAT", 'id,"source\na,a.mp4\n', "header"),
    ("MANIFEST_FORMAT", '{"source": "a.mp4"}\n', "looks like json"),
    ("MANIFEST_FORMAT", "<html><body>log in</body></html>", "looks like html"),
    ("MANIFEST_FORMAT", "PK\x03\x04", "spreadsheet"),
    ("MANIFEST_SCHEMA", "id,source,\na,a.mp4,\n", "no name"),
    ("MANIFEST_SCHEMA", "id,source,a\u202eb\na,a.mp4,\n", "printed"),
    ("MANIFEST_SCHEMA", "ID,source\na,a.mp4\n", "call it id"),
    ("MANIFEST_SCHEMA", "id,Source\na,a.mp4\n", "call it source"),
    ("MANIFEST_SCHEMA", "id,source,Video_ID\na,a.mp4,x\n", "adds itself"),
    ("MANIFEST_SCHEMA", "source,start_ms,start_seconds\na.mp4,1,1\n", "two units"),
    ("MANIFEST_LIMIT", "source," + ",".join(f"c{n}" for n in range(1000)) + "\n", "columns"),
    ("MANIFEST_EMPTY", "\ufeff", "empty"),
]


@pytest.mark.parametrize(("code", "text", "told"), BAD_HEADERS, ids=lambda value: str(value)[:20])
def test_a_bad_header_refuses_the_file(code: str, text: str, told: str) -> None:
    assert len(read("id,source,note\na,a.mp4,\n").rows) == 1
    with pytest.raises(ManifestError) as caught:
        read(text)
    assert caught.value.code == code
    assert told in str(caught.value)


def test_one_row_more_than_the_limit() -> None:
    text = "source\n" + "".join(f"{n}.mp4\n" for n in range(5))
    assert len(read(text, Limits(max_manifest_rows=5)).rows) == 5
    with pytest.raises(ManifestError, match="MANIFEST_LIMIT"):
        read(text + "more.mp4\n", Limits(max_manifest_rows=5))


def test_a_hundredth_of_broken_lines_is_the_most() -> None:
    good = [f"{n}.mp4,x" for n in range(2000)]
    found = read("source,note\n" + "\n".join(good + ["broken"] * 20))
    assert (len(found.rows), len(found.refused)) == (2000, 20)
    with pytest.raises(ManifestError, match="21 of 2021 lines") as caught:
        read("source,note\n" + "\n".join(good + ["broken"] * 21))
    assert caught.value.code == "MANIFEST_FORMAT"


VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(VALUES, min_size=1, max_size=8), st.data())
def test_what_was_written_is_what_is_read(notes: list[str], data: st.DataObject) -> None:
    """One broken line anywhere changes nothing for the others."""
    rows = [f"v{n},v{n}.mp4,{_written(note)}" for n, note in enumerate(notes)]
    rows.insert(
        data.draw(st.integers(0, len(rows))), data.draw(st.sampled_from(["few", 'bad,"b.mp4,', "too,many,x,y"]))
    )
    # The word keeps the column a column of text, and the last row is whole: an open quote meets the end or this row.
    found = read(HEADER + "\n".join(rows) + "\nlast,last.mp4,word\n")
    taken = {row.video_id: row.extra["note"] for row in found.rows}
    broken_quote = any(row.startswith('bad,"') for row in rows)
    expected = {f"v{n}": note or None for n, note in enumerate(notes)}
    if not broken_quote or not any('"' in _written(note) for note in notes):
        assert taken == {**expected, "last": "word"}
        assert len(found.refused) == 1
    else:  # quotes after an open one may pair up with it: rows are refused then, and never read otherwise than written
        assert all(taken[name] == expected[name] for name in taken.keys() & expected.keys())


def _written(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if any(c in value for c in ',"\r\n') else value
