"""Mistakes in a layer's file: each a coded error with file and line, as early as it can be known; others live on."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from hour_lake.catalog.connect import connect
from hour_lake.catalog.declared import declared_layers, wrong_facts
from hour_lake.errors import HourLakeError
from hour_lake.lake.open import open_lake
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.registry import Layers, load_layers
from hour_lake.passes.run import run_pass
from hour_lake.passes.segment import SegmentTask, run_segment
from hour_lake.passes.tables import to_parquet
from hour_lake.passes.workers import Workers
from hour_lake.settings import Settings
from hour_lake_tests.toy_layers import READERS, make_clip

SEGMENT = "bob_00000000_00000400"  # 10 frames
HEAD = '"""A layer."""\nimport numpy as np\nfrom hour_lake.layers import frames, layer\n'
GOOD = f"""{HEAD}
@layer(reads="frames", columns={{"level": "float32"}}, facts={{"mean": "avg(level)"}})
def toy_level(frames):
    return {{"level": frames.pixels.mean(axis=(1, 2, 3))}}
"""


def bad(declared: str, body: str = "def toy_bad(frames): ...") -> str:
    """A file whose layer is declared in line 4."""
    return f"{HEAD}@layer({declared})\n{body}\n"


ONE = 'reads="frames", columns={"a": "float32"}'
# What the file says -> the code, the line, and a part of the value or of what to do.
AT_LOAD: dict[str, tuple[str, str, int, str]] = {
    "no Python": (f"{HEAD}def broken(:", "LAYER_IMPORT", 4, "SyntaxError"),
    "no UTF-8": (f"{HEAD}x = '\udcff'", "LAYER_IMPORT", 4, "SyntaxError"),
    "no text": (f"{HEAD}\0", "LAYER_IMPORT", 1, "null bytes"),
    "a raise": (f"{HEAD}x = 1 / 0", "LAYER_IMPORT", 4, "ZeroDivisionError"),
    "an exit": (f"{HEAD}raise SystemExit(3)", "LAYER_IMPORT", 4, "SystemExit"),
    "a package that is not there": (f"{HEAD}import no_such_package", "LAYER_IMPORT", 4, "install no_such_package"),
    "no parentheses": (f"{HEAD}@layer\ndef toy_bad(frames): ...", "LAYER_IMPORT", 4, "positional argument"),
    "no columns": (bad('reads="frames"'), "LAYER_IMPORT", 4, "'columns'"),
    "no docstring": (bad(ONE).partition("\n")[2], "LAYER_DOCSTRING", 3, "toy_bad"),
    "its name": (bad(ONE, "def Toy(frames): ..."), "LAYER_NAME", 4, "Toy"),
    "dtype": (bad('reads="frames", columns={"a": "floaty"}'), "LAYER_COLUMN", 4, "a: floaty"),
    "dtype of numpy": (bad('reads="frames", columns={"a": np.float32}'), "LAYER_COLUMN", 4, "numpy.float32"),
    "a column of the engine": (bad('reads="frames", columns={"frame_index": "int32"}'), "LAYER_COLUMN", 4,
                               "frame_index"),
    "rows": (bad(f'{ONE}, rows="frames"'), "LAYER_ROWS", 4, "frame, window, segment"),
    "arguments": (bad('reads=("frames", "toy_level"), columns={"a": "bool"}'), "LAYER_SIGNATURE", 4,
                  "toy_bad(frames)"),
    "no default": (bad(ONE, "def toy_bad(frames, *, limit): ..."), "LAYER_CONFIG", 4, "limit"),
    "no finish": (bad(f'{ONE}, rows="segment"', "class toy_bad:\n    def __call__(self, frames): ..."),
                  "LAYER_SIGNATURE", 4, "toy_bad"),
    "frames that cannot be had": (bad('reads=frames(width=1), columns={"a": "bool"}'), "LAYER_READS", 4, "1"),
    "unknown read": (bad('reads="toy_levle", columns={"a": "bool"}', "def toy_bad(toy_levle): ..."), "LAYER_READS", 4,
                     "did you mean 'toy_level'?"),
    "a cycle of one": (bad('reads="toy_bad", columns={"a": "bool"}', "def toy_bad(toy_bad): ..."), "LAYER_CYCLE", 4,
                       "toy_bad <- toy_bad"),
    "a name that is taken": (bad(ONE, "def toy_level(frames): ..."), "LAYER_DUPLICATE", 4, "a_good.py:5"),
    "one name twice": (f"{bad(ONE)}\n{bad(ONE).partition(HEAD)[2]}", "LAYER_DUPLICATE", 7, "bad.py:4"),
    "a picture file": (bad(ONE, "def toy_bad(frames):\n    import cv2 as cv\n    cv.imwrite('a', frames.pixels[0])"),
                       "LAYER_WRITES", 7, "cv2.imwrite"),
    "a sound file": (bad(ONE, "def toy_bad(frames):\n    from soundfile import write\n    write('a', [0], 1)"),
                     "LAYER_WRITES", 7, "soundfile.write"),
    "unknown column in a fact": (bad(f'{ONE}, facts={{"mean": "avg(b)"}}'), "LAYER_FACTS", 4, '"b"'),
    "a fact that is no SQL": (bad(f'{ONE}, facts={{"mean": "avg(a"}}'), "LAYER_FACTS", 4, "syntax error"),
    "the name of a view": (bad(ONE, "def facts(frames): ..."), "LAYER_NAME", 4, "facts"),
}  # fmt: skip
# What the function does in its second line -> the same, when it has run.
WHEN_RUN: dict[str, tuple[str, str, int, str]] = {
    "unknown column": ("return {'aa': np.zeros(len(frames))}", "LAYER_OUTPUT", 4, "did you mean 'a'?"),
    "a column too few": ("return {}", "LAYER_OUTPUT", 4, "a"),
    "no dict": ("return np.zeros(len(frames))", "LAYER_OUTPUT", 4, "ndarray"),
    "too short": ("return {'a': np.zeros(len(frames) - 1)}", "LAYER_OUTPUT", 4, "{'a': 3}"),
    "too many axes": ("return {'a': np.zeros((len(frames), 2))}", "LAYER_OUTPUT", 4, "(4, 2)"),
    "text for a number": ("return {'a': ['1'] * len(frames)}", "LAYER_OUTPUT", 4, "<U1"),
    "complex numbers": ("return {'a': np.zeros(len(frames), complex)}", "LAYER_OUTPUT", 4, "complex128"),
    "a raise": ("raise ValueError('no face')", "LAYER_FAILED", 6, "no face"),
    "a column of another layer": ("return {'a': level['levl']}", "LAYER_FAILED", 6, "levl"),
    "open": ("open(OUT + '/a.txt', 'w')", "LAYER_WRITES", 6, "/a.txt"),
    "append": ("open(OUT + '/a.txt', 'a')", "LAYER_WRITES", 6, "/a.txt"),
    "pathlib": ("__import__('pathlib').Path(OUT, 'a.txt').write_text('a')", "LAYER_WRITES", 6, "/a.txt"),
    "mkdir": ("__import__('os').makedirs(OUT + '/a/b')", "LAYER_WRITES", 6, "/a"),
    "remove": ("__import__('os').remove(__file__)", "LAYER_WRITES", 6, "bad.py"),
    "numpy": ("np.save(OUT + '/a.npy', frames.pixels)", "LAYER_WRITES", 6, "/a.npy"),
    "tofile": ("frames.pixels.tofile(OUT + '/a.raw')", "LAYER_WRITES", 6, "/a.raw"),
    "a package": ("spill(OUT + '/a.txt')", "LAYER_WRITES", 6, "/a.txt"),
    "caught": ("try: open(OUT + '/a.txt', 'w')\n    except Exception: return {'a': np.zeros(len(frames))}",
               "LAYER_WRITES", 6, "/a.txt"),
}  # fmt: skip


# What a function may do, for it leaves nothing that anybody would look for.
ALLOWED = {
    "reading": "open(__file__).read()",
    "the null device": "open('/dev/null', 'w').write('a')",
    "printing": "print('a', flush=True)",
    "a temporary file": "__import__('tempfile').NamedTemporaryFile().write(b'a')",
    "a package's cache": "spill(__import__('os').path.expanduser('~/.cache'))",
    "a package's temporary file": "spill(__import__('tempfile').gettempdir() + '/a')",
    "the first import of a package": "from spiller_part import spill",
    "a process": "import subprocess; subprocess.run(['true'], check=True, stdout=subprocess.DEVNULL)",
}


def running(folder: Path, body: str, patch: pytest.MonkeyPatch) -> str:
    """A layer with this body in line 6; `OUT` is a folder, `spill` a function of a package that writes a file."""
    for name in ("out", "home", "tmp", "site-packages"):
        (folder / name).mkdir()
    for name in ("spiller", "spiller_part"):
        (folder / "site-packages" / f"{name}.py").write_text("def spill(path): open(path, 'w').close()\n")
        patch.delitem(sys.modules, name, raising=False)
    patch.syspath_prepend(str(folder / "site-packages"))
    patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    patch.setattr(sys, "dont_write_bytecode", False)
    patch.setenv("HOME", str(folder / "home"))
    declared = 'reads=("frames", "toy_level"), columns={"a": "float32"}'
    after = f"from spiller import spill\nOUT = {str(folder / 'out')!r}"
    return bad(declared, f"def toy_bad(frames, level):\n    {body}\n    return {{'a': np.ones(len(frames))}}\n{after}")


def rows(outcome: Outcome | HourLakeError) -> int:
    assert isinstance(outcome, Outcome), outcome
    return outcome.rows


def loaded(folder: Path, text: str) -> Layers:
    """The good file and the bad one, as a project finds them."""
    folder.mkdir(exist_ok=True)
    (folder / "a_good.py").write_text(GOOD)
    (folder / "bad.py").write_bytes(text.encode(errors="surrogateescape"))
    found = load_layers([folder])
    return found.less(wrong_facts({name: found[name] for name in found if name.startswith("toy_") or name == "facts"}))


@pytest.fixture
def media(tmp_path: Path) -> SegmentMedia:
    return SegmentMedia(SEGMENT, make_clip(tmp_path / "clip.mp4", frames=10))


@pytest.mark.parametrize("mistake", AT_LOAD)
def test_known_at_load(tmp_path: Path, media: SegmentMedia, mistake: str) -> None:
    text, code, line, said = AT_LOAD[mistake]
    layers = loaded(tmp_path / "layers", text)
    (error,) = layers.broken
    assert (error.code, error.where) == (code, f"{tmp_path / 'layers' / 'bad.py'}:{line}")
    assert said in str(error)
    assert "toy_bad" not in layers and len(layers) == len(load_layers()) + 1
    assert rows(run_pass([layers["toy_level"]], media, {}, {}, readers=READERS)["toy_level"]) == 10


def test_a_cycle_of_two_files_names_both(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(bad('reads="toy_bad", columns={"a": "bool"}', "def toy_other(toy_bad): ..."))
    layers = loaded(tmp_path, bad('reads="toy_other", columns={"a": "bool"}', "def toy_bad(toy_other): ..."))
    assert {(error.code, error.where) for error in layers.broken} == {
        ("LAYER_CYCLE", f"{tmp_path / name}:4") for name in ("bad.py", "other.py")
    }
    assert "toy_level" in layers


def test_a_wrong_fact_takes_no_other_layer_out_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "layers"
    loaded(folder, AT_LOAD["unknown column in a fact"][0])
    (folder / "reader.py").write_text(bad('reads="toy_bad", columns={"a": "bool"}', "def toy_reader(toy_bad): ..."))
    monkeypatch.setenv("HOUR_LAKE_LAYERS", str(folder))
    found = declared_layers(Settings(home=tmp_path))
    assert {"toy_level", "blink"} <= set(found) and not {"toy_bad", "toy_reader"} & set(found)
    assert [(error.code, error.fix) for error in found.broken] == [
        ("LAYER_FACTS", "correct `facts` of the layer toy_bad"), ("LAYER_READS", "mend toy_bad first")
    ]  # fmt: skip
    with connect(lake=open_lake(str(tmp_path / "lake")), ref="main", layers=found) as connection:
        assert connection.sql("select count(*) from facts").fetchone() == (0,)


@pytest.mark.parametrize("mistake", WHEN_RUN)
def test_known_when_it_has_run(
    tmp_path: Path, media: SegmentMedia, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, code, line, said = WHEN_RUN[mistake]
    layers = loaded(tmp_path / "layers", running(tmp_path, body, monkeypatch))
    outcomes = run_pass([layers["toy_level"], layers["toy_bad"]], media, {}, {}, readers=READERS)
    error = outcomes["toy_bad"]
    assert isinstance(error, HourLakeError)
    assert (error.code, error.where) == (code, f"{tmp_path / 'layers' / 'bad.py'}:{line}")
    assert said in str(error)
    assert rows(outcomes["toy_level"]) == 10
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("what", ALLOWED)
def test_what_leaves_nothing_behind_is_allowed(
    tmp_path: Path, media: SegmentMedia, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = loaded(tmp_path / "layers", running(tmp_path, ALLOWED[what], monkeypatch))
    outcomes = run_pass([layers["toy_level"], layers["toy_bad"]], media, {}, {}, readers=READERS)
    assert rows(outcomes["toy_bad"]) == 10


NEIGHBOUR = """
from .toy_report import report

@layer(reads="toy_level", columns={"a": "bool"})
def toy_bad(level):
    report()
"""


def test_a_neighbour_that_writes_is_the_layers_own_code(tmp_path: Path, media: SegmentMedia) -> None:
    folder = tmp_path / "layers"
    folder.mkdir()
    (folder / "toy_report.py").write_text("def report():\n    open('report.txt', 'w')\n")
    layers = loaded(folder, HEAD + NEIGHBOUR)
    outcomes = run_pass([layers["toy_level"], layers["toy_bad"]], media, {}, {}, readers=READERS)
    error = outcomes["toy_bad"]
    assert isinstance(error, HourLakeError)
    assert (error.code, error.where) == ("LAYER_WRITES", f"{folder / 'toy_report.py'}:2")
    assert not Path("report.txt").exists()


WRITES = """
@layer(reads="toy_level", columns={"a": "bool"})
class toy_writes:
    def __init__(self, *, file: str = ""):
        self.file = file
    def __call__(self, level):
        open(self.file, "w")

@layer(reads="toy_level", columns={"over": "bool"})
def toy_over(level):
    return {"over": level["level"] > 4}
"""


def test_a_worker_refuses_it_too_and_makes_the_others(tmp_path: Path) -> None:
    folder, file = tmp_path / "layers", tmp_path / "a.txt"
    level = loaded(folder, HEAD + WRITES)["toy_level"]
    grid = {"frame_index": np.arange(10, dtype=np.int32), "time_seconds": np.arange(10) / 25}
    table = tmp_path / "level"
    table.write_bytes(to_parquet(level, SEGMENT, {**grid, "level": np.arange(10, dtype=np.float32)}))
    task = SegmentTask(SEGMENT, ("toy_writes", "toy_over"), {"toy_level": str(table)},
                       {"toy_writes": {"file": str(file)}}, (str(folder),))  # fmt: skip
    with Workers(1) as workers:
        ((_, outcomes),) = workers.map(run_segment, [task])
    assert isinstance(outcomes, dict)
    error = outcomes["toy_writes"]
    assert isinstance(error, HourLakeError)
    assert (error.code, error.where, error.value) == ("LAYER_WRITES", f"{folder / 'bad.py'}:10", str(file))
    assert rows(outcomes["toy_over"]) == 10 and not file.exists()
