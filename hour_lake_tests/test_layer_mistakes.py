"""Mistakes in a layer's file: each a coded error with file and line, as early as it can be known; others live on."""

import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from hour_lake.catalog.connect import connect
from hour_lake.catalog.declared import declared_layers, wrong_facts
from hour_lake.errors import HourLakeError
from hour_lake.lake.open import open_lake
from hour_lake.orchestration.build import build_definitions
from hour_lake.passes.accepted import DAGSTER_WORDS, FLOW, wrong_group, wrong_owner
from hour_lake.passes.config import configured
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.registry import Layers, load_layers
from hour_lake.passes.run import run_pass
from hour_lake.passes.segment import SegmentTask, run_segment
from hour_lake.passes.source import source_digest
from hour_lake.passes.tables import to_parquet
from hour_lake.passes.workers import Workers
from hour_lake.passes.writes import no_writes
from hour_lake.settings import Settings
from hour_lake.threads import Threads
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
    "a fact that is no text": (bad(f'{ONE}, facts={{"mean": 5}}'), "LAYER_FACTS", 4, "'mean': 5"),
    "a fact with half a character": (bad(f"{ONE}, facts={{'mean': '\\udcff'}}"), "LAYER_FACTS", 4, "udcff"),
    "the name of a view": (bad(ONE, "def facts(frames): ..."), "LAYER_NAME", 4, "facts"),
    "the name of a column of facts": (bad(ONE, "def speaker(frames): ..."), "LAYER_NAME", 4, "speaker"),
    "the name of an inner table": (bad(ONE, "def stale(frames): ..."), "LAYER_NAME", 4, "stale"),
    "the name of an asset": (bad(ONE, "def audio(frames): ..."), "LAYER_NAME", 4, "the flow has this name"),
    "a name that Dagster keeps": (bad(ONE, "def config(frames): ..."), "LAYER_NAME", 4, "Dagster has this name"),
    "an owner": (bad(f'{ONE}, owner="anna"'), "LAYER_OWNER", 4, "anna"),
    "an owner that is no text": (bad(f"{ONE}, owner=5"), "LAYER_OWNER", 4, "5"),
    "a group": (bad(f'{ONE}, group="my group"'), "LAYER_GROUP", 4, "my group"),
    "a group that is no text": (bad(f"{ONE}, group=5"), "LAYER_GROUP", 4, "5"),
    "a pool that is no text": (bad(f"{ONE}, pool=5"), "LAYER_POOL", 4, "5"),
    "memory beyond all machines": (bad(f"{ONE}, memory_gib=10 ** 400"), "LAYER_COMPUTE", 4, "above 0"),
    "an unknown model": (bad(f'{ONE}, models=("blazefaec",)'), "LAYER_MODELS", 4, "but blazeface"),
    "a model that is no tuple": (bad(f'{ONE}, models="blazeface"'), "LAYER_MODELS", 4, '("blazeface",)'),
    "models that are none": (bad(f"{ONE}, models=5"), "LAYER_MODELS", 4, "5"),
    "an unknown model of a provider": (bad(f'{ONE}, providers={{"a": ("no_such_model",)}}',
                                           'def toy_bad(frames, *, provider="a"): ...'), "LAYER_MODELS", 4, "no_such"),
    "reads a number": (bad('reads=5, columns={"a": "bool"}'), "LAYER_READS", 4, "5"),
    "reads a list": (bad('reads=["frames"], columns={"a": "bool"}'), "LAYER_READS", 4, "['frames']"),
    "reads `frames` uncalled": (bad('reads=frames, columns={"a": "bool"}'), "LAYER_READS", 4, "frames(...)"),
    "frames by words": (bad('reads=frames(fps="1"), columns={"a": "bool"}'), "LAYER_READS", 4, "fps='1'"),
    "a column that is no text": (bad('reads="frames", columns={5: "bool"}'), "LAYER_COLUMN", 4, "5: bool"),
    "a clip by words": (bad(f'{ONE}, clip_px="64"'), "LAYER_CLIP", 4, "'64'"),
    "a default that is another one in each process": (bad(ONE, "def toy_bad(frames, *, thing=object()): ..."),
                                                      "LAYER_CONFIG", 4, "thing: object"),
    "a default in no order": (bad(ONE, "def toy_bad(frames, *, words={'a', 'b'}): ..."), "LAYER_CONFIG", 4, "set"),
    "an array as a default": (bad(ONE, "def toy_bad(frames, *, sizes=(np.zeros(2),)): ..."), "LAYER_CONFIG", 4,
                              "sizes: tuple"),
    "keys that are no texts": (bad(ONE, "def toy_bad(frames, *, sizes={1: 2, 'a': 3}): ..."), "LAYER_CONFIG", 4,
                               "sizes: dict"),
    "a docstring of the module that is none": (f"{HEAD}__doc__ = 5\n{bad(ONE).removeprefix(HEAD)}", "LAYER_DOCSTRING",
                                               5, "toy_bad"),
    "an error that cannot be shown": (f"{HEAD}class Bad(Exception):\n    __str__ = None\nraise Bad", "LAYER_IMPORT", 6,
                                      "Bad"),
    "a coded error without a place": (f"{HEAD}from hour_lake.models.store import digest\ndigest('no_such_model')",
                                      "MODEL_UNKNOWN", 5, "no_such_model"),
    "something else in its place": (f"{HEAD}import sys\nsys.modules[__name__] = 5", "LAYER_IMPORT", 1, "__dict__"),
    "code that is in no file": (f"{HEAD}exec('@layer({ONE})\\ndef toy_bad(frames): ...')", "LAYER_IMPORT", 1,
                                "toy_bad"),
    "no end of calls": (f"{HEAD}def again(): again()\nagain()", "LAYER_IMPORT", 4, "RecursionError"),
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
    "a database": ("__import__('sqlite3').connect(OUT + '/a.db')", "LAYER_WRITES", 6, "/a.db"),
    "a database by its address": ("__import__('sqlite3').connect(f'file:{OUT}/a%20b.db?cache=private', uri=True)",
                                  "LAYER_WRITES", 6, "/a b.db"),
    "a thread": ("in_thread(lambda: open(OUT + '/a.txt', 'w'))", "LAYER_WRITES", 6, "/a.txt"),
    "a thread of a package's code": ("in_thread(spill, OUT + '/a.txt')", "LAYER_WRITES", 12, "/a.txt"),
    "a thread in a thread": ("in_thread(in_thread, np.save, OUT + '/a.npy', np.ones(2))", "LAYER_WRITES", 12, "/a.npy"),
    "a pool of threads": ("pooled(np.save, OUT + '/a.npy', np.ones(2))", "LAYER_WRITES", 16, "/a.npy"),
    "a pool's own line": ("pooled(lambda: open(OUT + '/a.txt', 'w'))", "LAYER_WRITES", 6, "/a.txt"),
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
    "a database in memory": "__import__('sqlite3').connect(':memory:').execute('CREATE TABLE a (b)')",
    "reading a database": "__import__('sqlite3').connect('file:/dev/null?mode=ro', uri=True)",
    "a package's database": "keep(__import__('os').path.expanduser('~/.cache'))",
    "a package's cache, in a thread": "in_thread(spill, __import__('os').path.expanduser('~/.cache'))",
    "a temporary file, in a pool": "pooled(lambda: __import__('tempfile').NamedTemporaryFile().write(b'a'))",
    "a process": "import subprocess; subprocess.run(['true'], check=True, stdout=subprocess.DEVNULL)",
}


SPILLER = """
def spill(path): open(path, "w").close()
def keep(path): __import__("sqlite3").connect(path).close()
"""
IN_THREADS = """
def in_thread(work, *arguments):
    thread = __import__("threading").Thread(target=work, args=arguments)
    thread.start()
    thread.join()
def pooled(work, *arguments):
    with __import__("concurrent.futures").futures.ThreadPoolExecutor(1) as pool:
        pool.submit(work, *arguments).result()
"""


def running(folder: Path, body: str, patch: pytest.MonkeyPatch) -> str:
    """A layer with this body in line 6; `OUT` is a folder, `spill` a function of a package that writes a file."""
    for name in ("out", "home", "tmp", "site-packages"):
        (folder / name).mkdir()
    for name in ("spiller", "spiller_part"):
        (folder / "site-packages" / f"{name}.py").write_text(SPILLER)
        patch.delitem(sys.modules, name, raising=False)
    patch.syspath_prepend(str(folder / "site-packages"))
    patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    patch.setattr(sys, "dont_write_bytecode", False)
    patch.setenv("HOME", str(folder / "home"))
    declared = 'reads=("frames", "toy_level"), columns={"a": "float32"}'
    after = f"from spiller import keep, spill\nOUT = {str(folder / 'out')!r}{IN_THREADS}"
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
    ours = {name: layer for name, layer in found.items() if not layer.function.__module__.startswith("hour_lake.")}
    return found.less(wrong_facts(ours))


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


# What lies where a file should be.
NO_FILE: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a link to nothing": lambda path: path.symlink_to("nothing.py"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("what", NO_FILE)
def test_what_is_no_file_takes_no_other_layer_with_it(tmp_path: Path, what: str) -> None:
    (tmp_path / "a_good.py").write_text(GOOD)
    NO_FILE[what](tmp_path / "bad.py")
    layers = load_layers([tmp_path])
    ((code, where, fix),) = [(error.code, error.where, error.fix) for error in layers.broken]
    assert (code, where) == ("LAYER_IMPORT", f"{tmp_path / 'bad.py'}:1")
    assert fix is not None and "a file that can be read" in fix
    assert "toy_level" in layers


def test_a_file_name_that_is_no_text_is_shown_as_one(tmp_path: Path) -> None:
    (tmp_path / "a_good.py").write_text(GOOD)
    (tmp_path / os.fsdecode(b"bad\xff.py")).write_text(bad(ONE))
    layers = load_layers([tmp_path])
    assert [(error.code, error.where) for error in layers.broken] == [("LAYER_IMPORT", f"{tmp_path}/bad\\xff.py:1")]
    assert "toy_level" in layers and "toy_bad" not in layers


def test_a_package_is_named_by_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "__init__.py").write_text(f"{HEAD}x = 1 / 0")
    assert [error.where for error in load_layers([tmp_path]).broken] == [f"{tmp_path / 'bad' / '__init__.py'}:4"]


class Elsewhere:
    """As a proxy that stands for what is not there yet."""

    @property
    def __class__(self) -> type:
        raise RuntimeError("not now")


def test_a_file_may_hold_what_cannot_be_asked(tmp_path: Path) -> None:
    layers = loaded(tmp_path, bad(ONE) + f"from {__name__} import Elsewhere\nlater = Elsewhere()\n")
    assert layers.broken == () and "toy_bad" in layers


WRAPPED = f"""{HEAD}
from functools import cache
@layer(reads="frames", columns={{"a": "float32"}})
@cache
def toy_cached(frames): ...
"""


def test_a_wrapped_function_is_looked_for_where_it_is_written(tmp_path: Path) -> None:
    layer = loaded(tmp_path, WRAPPED)["toy_cached"]
    assert layer.where == f"{tmp_path / 'bad.py'}:6"
    before = source_digest(layer)
    (tmp_path / "bad.py").write_text(WRAPPED.replace("...", "return {}"))
    assert source_digest(load_layers([tmp_path])["toy_cached"]) != before


def test_half_a_character_in_a_docstring_is_shown_as_one(tmp_path: Path) -> None:
    found = loaded(tmp_path, bad(ONE, "def toy_bad(frames):\n    '\\udcff'"))["toy_bad"]
    assert found.description == "A layer.\n\n?"


def test_a_layer_that_changes_its_default_changes_it_for_itself_alone(tmp_path: Path) -> None:
    layer = loaded(tmp_path, bad(ONE, "def toy_bad(frames, *, sizes=[1]): ..."))["toy_bad"]
    configured(layer)["sizes"].append(2)
    assert configured(layer) == {"sizes": [1]}


def test_words_that_dagster_keeps_are_those_that_it_refuses() -> None:
    from dagster._core.definitions.utils import DISALLOWED_NAMES

    assert DAGSTER_WORDS == DISALLOWED_NAMES


def test_names_of_the_flow_are_the_assets_that_are_no_layers() -> None:
    flow = build_definitions({}, partitions_per_run=10).resolve_asset_graph()
    assert {key.to_user_string() for key in flow.get_all_asset_keys()} == FLOW


LABELS = ("a", "a_B/c1", "a/", "/a", "a//b", "a b", "", "team:a", "team: a b", "team:", "team", "a@b.de", "a@b",
          "a.b+c@d.e.org", ".a@b.de", "-a@b.de", "a@b.de\n", "a@b.d", "a@b.abcdefgh", "ä@b.de", "a@@b.de")  # fmt: skip


@pytest.mark.parametrize("label", LABELS)
def test_owners_and_groups_that_are_taken_are_those_that_dagster_takes(label: str) -> None:
    def dagster_takes(**fields: Any) -> bool:
        try:
            dg.AssetSpec("a", **fields)
        except dg.DagsterInvalidDefinitionError:
            return False
        return True

    assert (wrong_owner(label) is None) == dagster_takes(owners=[label])
    assert (wrong_group(label) is None) == dagster_takes(group_name=label)


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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
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


LATER = f"""{HEAD}
import threading
NOW, DONE = threading.Event(), threading.Event()

@layer(reads="toy_level", columns={{"a": "float32"}})
def toy_bad(level):
    threading.Thread(target=write, args=(level,)).start()
    return {{"a": level["level"]}}

def write(level):
    NOW.wait(10)
    try:
        open("late.txt", "w")
    except Exception as error:
        NOW.error = error
    DONE.set()
"""


def test_a_thread_that_outlives_its_layer_writes_nothing(tmp_path: Path, media: SegmentMedia) -> None:
    layers = loaded(tmp_path / "layers", LATER)
    outcomes = run_pass([layers["toy_level"], layers["toy_bad"]], media, {}, {}, readers=READERS)
    assert rows(outcomes["toy_bad"]) == 10
    module = sys.modules[layers["toy_bad"].function.__module__]
    module.NOW.set()
    assert module.DONE.wait(10)
    assert module.NOW.error.code == "LAYER_WRITES" and not Path("late.txt").exists()


def test_other_threads_write_while_a_layer_runs(tmp_path: Path) -> None:
    """The engine's own, and one that was started before: what runs elsewhere at the same time is not the layer's."""
    layer = loaded(tmp_path / "layers", bad(ONE))["toy_bad"]
    begin = threading.Event()

    def write(file: Path) -> None:
        begin.wait(10)
        file.write_text("a")

    before = threading.Thread(target=write, args=(tmp_path / "before",))
    before.start()
    with Threads(1) as threads, no_writes(layer):
        answer = threads.submit(write, tmp_path / "beside")
        begin.set()
        before.join()
        answer()
    assert {path.name for path in tmp_path.iterdir()} == {"layers", "before", "beside"}


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
