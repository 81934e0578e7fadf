"""`try --watch` in a process of its own: a save runs the layer again, a mistake is shown, Ctrl-C ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hour_lake_tests.flow import Flow
from hour_lake_tests.followed import Followed
from hour_lake_tests.toy_layers import make_wav, write_layer

LEVEL = """
@layer(reads="samples", rows="segment", columns={"level": "float32"}, facts={"level": "first(level)"})
def toy_level(samples):
    return {"level": LEVEL}
"""


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    (tmp_path / "hour_lake.yaml").write_text("home: home\n")
    make_wav(tmp_path / "sound.wav", samples=16_000)
    return Flow(tmp_path, tmp_path)


@pytest.fixture(params=["by its file", "by its name"])
def followed(request: pytest.FixtureRequest, flow: Flow) -> Iterator[Followed]:
    save(flow, "0.25")
    by_file = request.param == "by its file"
    layer, variable = ("layers/toy_level.py", {}) if by_file else ("toy_level", {"HOUR_LAKE_LAYERS": "layers"})
    followed = Followed(flow, "try", layer, "sound.wav", "--watch", **variable)
    yield followed
    followed.kill()


def save(flow: Flow, level: str) -> Path:
    return write_layer(flow.folder / "layers", "toy_level", LEVEL.replace("LEVEL", level))


def test_each_save_runs_it_again_and_a_mistake_ends_nothing(flow: Flow, followed: Followed) -> None:
    picture = flow.folder / "try.png"
    followed.until("0.25", "picture try.png", "Ctrl-C")
    picture.unlink()
    save(flow, "0.75")  # as many characters, and maybe in the same second
    followed.until("0.75", "picture try.png", "Ctrl-C")
    assert picture.read_bytes().startswith(b"\x89PNG")
    file = save(flow, "1 / 0")
    said = followed.until("LAYER_FAILED", "Ctrl-C")
    assert f"{file}:7" in said and "Traceback" not in said
    save(flow, "(")
    said = followed.until("LAYER_IMPORT", "Ctrl-C")
    assert f"{file}:7" in said and "Traceback" not in said
    save(flow, "0.5")
    followed.until("0.5", "picture try.png", "Ctrl-C")
    assert followed.interrupt() == 0
