"""`try`, from the command line and in a notebook, with the keywords that the settings or the caller give."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import hour_lake
from hour_lake.cli.app import app
from hour_lake.errors import HourLakeError
from hour_lake_tests.toy_layers import make_wav, write_layer

# Each in a file that is not named like it: `other.py`, `another.py`.
LEVEL = """
@layer(reads="samples", rows="segment", columns={"level": "float32"}, facts={"level": "first(level)"})
def toy_level(samples, *, gain: float = 1.0):
    return {"level": gain}
"""
TWICE = """
@layer(reads="toy_level", rows="segment", columns={"level": "float32"}, facts={"level": "first(level)"})
def toy_twice(toy_level, *, factor: float = 2.0):
    return {"level": factor * toy_level["level"]}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_layer(tmp_path / "layers", "other", LEVEL)
    write_layer(tmp_path / "layers", "another", TWICE)
    make_wav(tmp_path / "a.wav", samples=3200)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOUR_LAKE_LAYERS", str(tmp_path / "layers"))
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(tmp_path / "hour_lake.yaml"))
    monkeypatch.setenv("HOUR_LAKE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HOUR_LAKE_PROFILE", "commercial")
    settle("")


def settle(layers: str) -> None:
    Path("hour_lake.yaml").write_text(f"home: home\n{layers}")


def in_a_shell(layer: str) -> Any:
    return json.loads(CliRunner().invoke(app, ["try", layer, "a.wav", "--json"]).stdout)["facts"]["level"]


def in_a_notebook(layer: str, **config: Any) -> Any:
    return hour_lake.try_layer(layer, "a.wav", config=config or None).facts["level"]


@pytest.mark.parametrize("layer", ["toy_level", "layers/other.py"])
def test_the_settings_count(layer: str) -> None:
    assert (in_a_shell(layer), in_a_notebook(layer)) == (1, 1)
    settle("layers:\n  toy_level:\n    gain: 5\n")
    assert (in_a_shell(layer), in_a_notebook(layer)) == (5, 5)


def test_the_settings_of_what_is_read_count() -> None:
    settle("layers:\n  toy_level:\n    gain: 5\n  toy_twice:\n    factor: 3\n")
    assert (in_a_shell("toy_twice"), in_a_notebook("toy_twice")) == (15, 15)


@pytest.mark.parametrize("layer", ["toy_level", "layers/other.py"])
def test_keywords_of_the_call_come_before_the_settings(layer: str) -> None:
    assert in_a_notebook(layer, gain=7.0) == 7
    settle("layers:\n  toy_level:\n    gain: 5\n")
    assert in_a_notebook(layer, gain=7.0) == 7


@pytest.mark.parametrize("layer", ["toy_level", "layers/other.py"])
@pytest.mark.parametrize("config", [{"gian": 5.0}, {"gain": "loud"}], ids=["unknown", "of another type"])
def test_a_wrong_keyword_is_refused_as_in_the_settings(layer: str, config: dict[str, Any]) -> None:
    with pytest.raises(HourLakeError) as called:
        in_a_notebook(layer, **config)
    settle(f"layers:\n  toy_level: {json.dumps(config)}\n")
    with pytest.raises(HourLakeError) as settled:
        in_a_notebook(layer)
    assert called.value.code == "LAYER_CONFIG"
    assert called.value.as_dict() == settled.value.as_dict()
