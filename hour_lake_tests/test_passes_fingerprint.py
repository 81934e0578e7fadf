"""Fingerprints: words and layout never make a result stale; code, keywords, weights and inputs do, with a reason."""

import types
from pathlib import Path

import pytest

from hour_lake.errors import LayerError
from hour_lake.passes.fingerprint import changes, fingerprint
from hour_lake.passes.source import function_digest, source_digest, source_parts
from hour_lake_tests.toy_layers import layers_of

LAYER = '''
# a comment
from .helper import HALF
@layer(reads="frames", columns={"a": "float32"}, facts={"mean": "avg(a)"})
def toy_a(frames, *, limit: float = 0.5):
    """What it does."""
    return {"a": np.full(len(frames), HALF * limit)}
'''
HELPER = '"""Half."""\nfrom .deep import ONE\nHALF = ONE / 2\n'
DEEP = "ONE = 1\n"


def digest(folder: Path, layer: str = LAYER, helper: str = HELPER, deep: str = DEEP, other: str = "X = 1\n") -> str:
    folder.mkdir(exist_ok=True)
    for name, text in (("_helper", ""), ("helper", helper), ("deep", deep), ("other", other)):
        (folder / f"{name}.py").write_text(text)
    return source_digest(layers_of(folder, toy_a=layer)["toy_a"])


SAME = {
    "comment": {"layer": LAYER.replace("# a comment", "# another\n\n")},
    "docstring": {"layer": LAYER.replace("What it does", "Something else")},
    "layout": {"layer": LAYER.replace("HALF * limit)", "(HALF *\n  limit))")},
    "quotes": {"layer": LAYER.replace('"a"', "'a'")},
    "facts": {"layer": LAYER.replace("avg(a)", "max(a)")},
    "owner": {"layer": LAYER.replace("facts=", 'owner="team:me", group="x", memory_gib=2, pool="p", facts=')},
    "helper's words": {"helper": HELPER.replace("Half.", "The half of one.")},
    "a neighbour it does not import": {"other": "X = 2\n"},
}  # fmt: skip
OTHER = {
    "code": {"layer": LAYER.replace("HALF * limit", "HALF + limit")},
    "default": {"layer": LAYER.replace("0.5", "0.6")},
    "column": {"layer": LAYER.replace("float32", "float64")},
    "reads": {"layer": LAYER.replace('reads="frames"', 'reads="samples"')},
    "helper": {"helper": HELPER.replace("/ 2", "/ 3")},
    "helper's helper": {"deep": "ONE = 2\n"},
    "a text that is no docstring": {"layer": LAYER.replace("HALF * limit", "HALF * len('ab')")},
    "an import inside a function": {"layer": LAYER.replace("    return", "    from . import other\n    return")},
}


@pytest.mark.parametrize("name", SAME)
def test_words_and_layout_change_nothing(tmp_path: Path, name: str) -> None:
    assert digest(tmp_path) == digest(tmp_path, **SAME[name])


@pytest.mark.parametrize("name", OTHER)
def test_code_and_what_it_imports_do(tmp_path: Path, name: str) -> None:
    assert digest(tmp_path) != digest(tmp_path, **OTHER[name])


def test_an_import_inside_a_function_is_followed(tmp_path: Path) -> None:
    layer = OTHER["an import inside a function"]["layer"]
    assert digest(tmp_path, layer) != digest(tmp_path, layer, other="X = 2\n")


def test_parts_name_the_modules(tmp_path: Path) -> None:
    digest(tmp_path)
    parts = source_parts(layers_of(tmp_path)["toy_a"])
    assert [name.rpartition(".")[2] for name in parts] == ["toy_a", "deep", "helper"]


def test_the_engine_is_no_part_of_a_layer(tmp_path: Path) -> None:
    body = "from hour_lake.passes.arrays import Frames\nfrom hour_lake.errors import LayerError\n" + LAYER
    digest(tmp_path)
    parts = source_parts(layers_of(tmp_path, toy_a=body)["toy_a"])
    assert not [name for name in parts if name.startswith("hour_lake.")]


def test_plain_modules_have_a_digest_too(tmp_path: Path) -> None:
    def module(text: str) -> types.ModuleType:
        made = types.ModuleType("plain_module")
        made.__file__ = str(tmp_path / "plain_module.py")
        Path(made.__file__).write_text(text)
        return made

    plain = function_digest(module("X = 1  # one\n"))
    assert plain == function_digest(module("# 1\nX = 1\n"))
    assert plain != function_digest(module("X = 12\n"))


def test_every_ingredient_counts_and_says_so(tmp_path: Path) -> None:
    digest(tmp_path)
    toy = layers_of(tmp_path)["toy_a"]
    base = fingerprint(toy, {}, {"mesh": "1" * 64}, {"frames": "a" * 64})
    assert fingerprint(toy, {"limit": 0.5}, {"mesh": "1" * 64}, {"frames": "a" * 64}) == base
    cases = {
        "limit changed: 0.5 -> 0.25": fingerprint(toy, {"limit": 0.25}, {"mesh": "1" * 64}, {"frames": "a" * 64}),
        "the weights mesh changed": fingerprint(toy, {}, {"mesh": "2" * 64}, {"frames": "a" * 64}),
        "frames changed": fingerprint(toy, {}, {"mesh": "1" * 64}, {"frames": "b" * 64}),
        "boxes is new (input)": fingerprint(toy, {}, {"mesh": "1" * 64}, {"frames": "a" * 64, "boxes": "c" * 64}),
        "mesh is gone (model)": fingerprint(toy, {}, {}, {"frames": "a" * 64}),
    }
    assert [changes(base.parts, other.parts) for other in cases.values()] == [[words] for words in cases]
    assert len({base.value, *(other.value for other in cases.values())}) == 6
    assert changes(base.parts, base.parts) == []


def test_a_changed_helper_is_the_reason_given(tmp_path: Path) -> None:
    digest(tmp_path)
    before = fingerprint(layers_of(tmp_path)["toy_a"], {}, {}, {})
    digest(tmp_path, deep="ONE = 2\n")
    after = fingerprint(layers_of(tmp_path)["toy_a"], {}, {}, {})
    (words,) = changes(before.parts, after.parts)
    assert words.startswith("the code of ") and words.endswith(".deep changed")


def test_a_digest_is_worked_out_once_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest(tmp_path)
    toy = layers_of(tmp_path)["toy_a"]
    first = fingerprint(toy, {}, {}, {})
    monkeypatch.setattr(Path, "read_bytes", None)
    monkeypatch.setattr(Path, "stat", None)
    assert [fingerprint(toy, {}, {}, {}) for _ in range(3)] == [first] * 3


def test_an_unknown_keyword_has_no_fingerprint(tmp_path: Path) -> None:
    digest(tmp_path)
    with pytest.raises(LayerError, match="LAYER_CONFIG"):
        fingerprint(layers_of(tmp_path)["toy_a"], {"limti": 1.0}, {}, {})
