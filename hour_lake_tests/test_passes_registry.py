"""Finding layers: good files stay usable beside any bad one, and each bad one says what and where."""

from pathlib import Path

import pytest

from hour_lake.errors import HourLakeError, LayerError
from hour_lake.passes.registry import load_layers
from hour_lake_tests.toy_layers import layers_of, write_layer

GOOD = """
@layer(reads="frames", columns={"level": "float32"})
def toy_level(frames):
    return {"level": frames.pixels.mean(axis=(1, 2, 3))}
"""


def test_near_names_are_offered(tmp_path: Path) -> None:
    bad = '@layer(reads="toy_levle", columns={"a": "bool"})\ndef toy_a(toy_levle): ...'
    layers = layers_of(tmp_path, good=GOOD, bad=bad)
    assert layers.broken[0].fix == "did you mean 'toy_level'?"
    with pytest.raises(LayerError, match="LAYER_UNKNOWN.*toy_level"):
        layers.require("toy_levl")


def test_asking_for_a_layer_whose_file_is_broken_gives_that_reason(tmp_path: Path) -> None:
    layers = layers_of(tmp_path, toy_broken="x = 1 / 0")
    with pytest.raises(HourLakeError, match="LAYER_IMPORT.*ZeroDivisionError"):
        layers.require("toy_broken")


def test_a_ring_takes_out_its_members_and_their_readers_only(tmp_path: Path) -> None:
    def reading(name: str, read: str) -> str:
        return f'@layer(reads="{read}", columns={{"a": "bool"}})\ndef {name}(x): ...'

    layers = layers_of(tmp_path, good=GOOD, a=reading("toy_a", "toy_b"), b=reading("toy_b", "toy_a"),
                       c=reading("toy_c", "toy_b"), d=reading("toy_d", "toy_level"))  # fmt: skip
    codes = {Path(str(error.where).rpartition(":")[0]).stem: error.code for error in layers.broken}
    assert codes == {"a": "LAYER_CYCLE", "b": "LAYER_CYCLE", "c": "LAYER_READS"}
    assert {"toy_level", "toy_d"} <= set(layers)


def test_layers_come_after_what_they_read(tmp_path: Path) -> None:
    body = '@layer(reads="toy_level", columns={"a": "bool"})\ndef a_toy(toy_level): ...'
    layers = layers_of(tmp_path, first=body, second=GOOD)
    assert [layer.name for layer in layers.with_reads(["a_toy"])] == ["toy_level", "a_toy"]
    names = list(layers)
    assert all(names.index(read) < names.index(x.name) for x in layers.values() for read in x.reads if read in names)


def test_neighbours_are_imported_relatively_and_the_mistake_says_so(tmp_path: Path) -> None:
    (tmp_path / "arith.py").write_text("HALF = 0.5\n")
    good = f"from .arith import HALF\n{GOOD}"
    layers = layers_of(tmp_path, good=good, bad="import arith")
    assert "toy_level" in layers
    assert layers.broken[0].fix == "import a neighbour as `from .arith import ...`"


def test_folders_of_the_environment_and_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_layer(tmp_path / "here", "good", GOOD)
    monkeypatch.setenv("HOUR_LAKE_LAYERS", f"{tmp_path / 'gone'}:{tmp_path / 'here'}")
    layers = load_layers()
    assert "toy_level" in layers
    assert [error.code for error in layers.broken] == ["LAYER_FOLDER"]


def test_an_installed_package_brings_its_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_layer(tmp_path / "acme_toys", "level", GOOD)
    (tmp_path / "acme_toys" / "__init__.py").write_text("")
    dist = tmp_path / "acme_toys-1.0.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-toys\nVersion: 1.0\n")
    (dist / "entry_points.txt").write_text("[hour_lake.layers]\nacme = acme_toys\nlost = no_such_package\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    layers = load_layers()
    assert layers["toy_level"].source_path == str(tmp_path / "acme_toys" / "level.py")
    assert [error.code for error in layers.broken] == ["LAYER_IMPORT"]


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    assert layers_of(tmp_path, good=GOOD)["toy_level"].columns == {"level": "float32"}
    assert layers_of(tmp_path, good=GOOD.replace("float32", "float64"))["toy_level"].columns == {"level": "float64"}


def test_a_layer_is_still_the_function_it_decorates(tmp_path: Path) -> None:
    import numpy as np

    from hour_lake.layers import Frames

    toy_level = layers_of(tmp_path, good=GOOD)["toy_level"]
    frames = Frames(np.full((2, 4, 4, 3), 7, np.uint8), np.array([0.0, 0.04]))
    assert toy_level(frames)["level"].tolist() == [7.0, 7.0]
