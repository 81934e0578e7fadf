"""JSON lines and JSON lists: what the standard does not have is refused, item by item."""

import json

import pytest

from hour_lake.errors import ManifestError
from hour_lake.manifests.read import Manifest, read_manifest
from hour_lake.manifests.table import manifest_table
from hour_lake.settings import Limits


def read(text: str, name: str = "m.jsonl") -> Manifest:
    return read_manifest(text.encode(), name=name, limits=Limits())


BAD_OBJECTS = [
    ('{"source": NaN}', "NaN"),
    ('{"source": "a.mp4", "x": 1e999}', "too large"),
    ('{"source": "a.mp4", "source": "b.mp4"}', "twice"),
    ('{"source": "a.mp4", "x": {"k": 1, "k": 2}}', "twice"),
    ('{"source": "a\\ud800.mp4"}', "surrogate"),
    ('{"source": "a.mp4", "x": ["\\udfff"]}', "surrogate"),
    ('{"source": "a.mp4", "x": ' + "[" * 70 + "]" * 70 + "}", "deep"),
    ('{"source": ["a.mp4"]}', "text is needed"),
    ('{"source": true}', "text is needed"),
    ('{"source": null}', "points to no video"),
    ('"a.mp4"', "not an object"),
    ('["a.mp4"]', "not an object"),
    ("7", "not an object"),
]


@pytest.mark.parametrize(("item", "told"), BAD_OBJECTS)
@pytest.mark.parametrize("name", ["m.jsonl", "m.json"])
def test_a_bad_object_is_refused_and_its_neighbours_are_taken(item: str, told: str, name: str) -> None:
    items = ['{"source": "good.mp4", "id": "good"}', item, '{"source": "[[[{{{.mp4", "id": "fine"}']
    found = read("\n".join(items) if name == "m.jsonl" else f"[{','.join(items)}]", name)
    assert [row.video_id for row in found.rows] == ["good", "fine"]
    (error,) = found.refused
    assert error.code == "ROW_PARSE" and told in error.message
    assert (error.where or "").startswith(f"{name}, {'line' if name == 'm.jsonl' else 'item'} 2")
    assert error.fix


BAD_LINES = ['{"source": "a.mp4",}', '{"source": "a.mp4"} {}', "{'source': 'a.mp4'}", '{"source": "a', "[" * 1_000_000]


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:20])
def test_a_line_that_is_no_json_is_refused_and_its_neighbours_are_taken(line: str) -> None:
    found = read(f'{{"source": "a.mp4"}}\n\n{line}\n{{"source": "b.mp4"}}\r\n')
    assert [row.line for row in found.rows] == [1, 4]
    assert [error.where for error in found.refused] == ["m.jsonl, line 3"]


@pytest.mark.parametrize("text", ['[{"source": "a.mp4"},]', '{"source": "a.mp4"}\n{"source": "b.mp4"}', "[" * 1_000_000,
                                  '{"source": "a.mp4"}', '"a.mp4"'])  # fmt: skip
def test_a_list_that_is_none_refuses_the_file(text: str) -> None:
    assert len(read('[{"source": "a.mp4"}]', "m.json").rows) == 1
    with pytest.raises(ManifestError) as caught:
        read(text, "m.json")
    assert caught.value.code == "MANIFEST_FORMAT"


def test_a_new_column_in_every_line_is_too_many() -> None:
    with pytest.raises(ManifestError, match="columns"):
        read("\n".join(f'{{"source": "a.mp4", "c{n}": 1}}' for n in range(1001)))


def test_columns_keep_the_types_that_json_has() -> None:
    rows = [
        {"source": "a.mp4", "take": "1", "n": 1, "share": 0.5, "ok": True, "tags": ["x"], "cut": {"by": "ann"}},
        {"source": "b.mp4", "take": "2", "n": 2, "share": None, "ok": False, "tags": [], "cut": {"by": None}},
    ]
    table = manifest_table(read("\n".join(map(json.dumps, rows))))
    kinds = {name: str(table.schema.field(name).type) for name in ("take", "n", "share", "ok", "tags", "cut")}
    assert kinds == {"take": "string", "n": "int64", "share": "double", "ok": "bool", "tags": "list<item: string>",
                     "cut": "struct<by: string>"}  # fmt: skip
    assert table.select(list(kinds)).to_pylist() == [{k: row[k] for k in kinds} for row in rows]


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ([1, "one"], ["1", "one"]),
        ([10**30, 1], [str(10**30), "1"]),
        ([True, 1], ["true", "1"]),
        ([{}, {}], ["{}", "{}"]),
        ([{"a": 1}, {"a": "x"}], ['{"a": 1}', '{"a": "x"}']),
        ([[], []], ["[]", "[]"]),
        ([None, None], [None, None]),
    ],
)
def test_columns_of_many_types_are_json_text(values: list[object], stored: list[str | None]) -> None:
    lines = [json.dumps({"source": f"{n}.mp4", "x": value}) for n, value in enumerate(values)]
    column = manifest_table(read("\n".join(lines))).column("x")
    assert str(column.type) == "string"
    assert column.to_pylist() == stored


def test_a_column_that_only_some_lines_have() -> None:
    table = manifest_table(read('{"source": "a.mp4", "x": 1}\n{"source": "b.mp4", "y": "z"}\n'))
    assert table.select(["x", "y"]).to_pylist() == [{"x": 1, "y": None}, {"x": None, "y": "z"}]
