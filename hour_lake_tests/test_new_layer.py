"""`layers new` writes files that run, and refuses what cannot be; `try_layer` in a notebook."""

from pathlib import Path

import pytest

import hour_lake
from hour_lake.cli.new_layer import new_layer
from hour_lake.errors import HourLakeError
from hour_lake.identity import Segment
from hour_lake.media.cut import cut
from hour_lake.passes.registry import load_layers
from hour_lake.settings import Limits
from hour_lake_tests.weights import weights_folder as weights_folder

pytestmark = pytest.mark.usefixtures("weights_folder")
READS = [("frames",), ("samples",), ("master",), ("face_boxes",), ("frames", "face_boxes"), ("voice_activity",)]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hour_lake.yaml").write_text("home: home\n")
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(tmp_path / "hour_lake.yaml"))


@pytest.fixture(scope="module")
def clip(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a person who speaks."""
    clip = tmp_path_factory.mktemp("clip") / "clip.mp4"
    cut(corpus / "hopper-webcam.mkv", Segment("hopper-webcam", 1000, 3000), clip, Limits())
    return clip


@pytest.mark.parametrize("reads", READS, ids=",".join)
def test_what_is_written_runs_as_it_is(reads: tuple[str, ...], clip: Path, tmp_path: Path) -> None:
    file = new_layer("brand_new", reads, tmp_path / "layers", load_layers())
    tried = hour_lake.try_layer(str(file), clip)
    assert len(tried.table["value"]) and next(iter(tried.facts.values())) > 0
    assert tried.picture.read_bytes().startswith(b"\x89PNG")
    page = tried._repr_html_()
    assert "brand_new" in page and "data:image/png" in page


@pytest.mark.parametrize(
    ("name", "reads", "code"),
    [("Blink", "frames", "LAYER_NAME"), ("frames", "frames", "LAYER_NAME"), ("blink", "frames", "LAYER_DUPLICATE"),
     ("mine", "face_boxs", "LAYER_UNKNOWN"), ("../out", "frames", "LAYER_NAME"), ("class", "frames", "LAYER_NAME"),
     ("lambda", "samples", "LAYER_NAME"), ("np", "samples", "LAYER_NAME"), ("len", "blink", "LAYER_NAME"),
     ("mine", "frames,frames", "LAYER_READS"), ("mine", "blink,blink", "LAYER_READS"),
     ("mine", "people", "LAYER_READS"), ("mine", "frames,people", "LAYER_READS"),
     ("mine", "frames,text_overlay", "LAYER_READS")],
)  # fmt: skip
def test_what_cannot_be_is_refused(name: str, reads: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(HourLakeError) as caught:
        new_layer(name, reads.split(","), tmp_path, load_layers())
    assert caught.value.code == code
    assert not list(tmp_path.glob("*.py"))


@pytest.mark.parametrize("name", ["print", "match", "frame", "mean"])
@pytest.mark.parametrize("reads", ["samples", "text_overlay", "frames,speech_rate"])
def test_what_is_written_is_found(name: str, reads: str, tmp_path: Path) -> None:
    new_layer(name, reads.split(","), tmp_path, load_layers())
    found = load_layers([tmp_path])
    assert name in found and not found.broken


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    file = new_layer("mine", ["frames"], tmp_path, load_layers())
    file.write_text("precious")
    with pytest.raises(HourLakeError, match="LAYER_EXISTS"):
        new_layer("mine", ["frames"], tmp_path, load_layers())
    assert file.read_text() == "precious"
