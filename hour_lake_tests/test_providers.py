"""Providers: a layer's models, unknown names, weights from an address, SCRFD's outputs."""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hour_lake.cli.app import app
from hour_lake.errors import HourLakeError, LayerError, ModelError
from hour_lake.layers.face_boxes import face_boxes
from hour_lake.ledger.project import Project
from hour_lake.models import download, scrfd
from hour_lake.models.face_finders import FINDERS
from hour_lake.models.store import PROFILE_VARIABLE, weights
from hour_lake.passes.config import configured
from hour_lake.passes.declare import layer
from hour_lake.settings import Settings

PACK = io.BytesIO()
with zipfile.ZipFile(PACK, "w") as archive:
    archive.writestr("det.onnx", b"weights of a network")
DIGEST = hashlib.sha256(PACK.getvalue()).hexdigest()


def test_the_models_of_the_provider_in_force_are_the_layers() -> None:
    assert set(face_boxes.providers) == set(FINDERS)
    assert face_boxes.models_in_force() == ("blazeface",)
    assert face_boxes.models_in_force({"provider": "insightface"}) == ("insightface_det_10g",)


def test_an_unknown_provider_names_the_known_ones() -> None:
    assert configured(face_boxes, {"provider": "insightface"})["provider"] == "insightface"
    with pytest.raises(LayerError, match="LAYER_CONFIG.*mediapip.*mediapipe, insightface"):
        configured(face_boxes, {"provider": "mediapip"})


def test_a_default_that_is_no_provider_is_refused() -> None:
    with pytest.raises(LayerError, match="LAYER_CONFIG.*provider"):

        @layer(reads="frames", columns={"x": "bool"}, providers={"one": ()})
        def broken(frames: object, *, provider: str = "two") -> None:
            """A layer."""


def test_a_refused_licence_names_the_layer_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROFILE_VARIABLE, "commercial")
    with pytest.raises(ModelError, match="MODEL_REFUSED.*face_boxes.*mediapipe"):
        weights("insightface_det_10g", asked_by="face_boxes")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Gives the pack at /pack.zip, and leads to a file of this machine at /away."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/away" else 200)
            if self.path == "/away":
                self.send_header("Location", "ftp://127.0.0.1/pack.zip")
            self.end_headers()
            if self.path != "/away":
                self.wfile.write(PACK.getvalue())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    download._archive.cache_clear()
    monkeypatch.setattr(download, "SCHEMES", ("http",))
    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=partial(http.serve_forever, poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()
    download._archive.cache_clear()


def test_a_member_comes_from_an_address(server: str) -> None:
    assert download.member_of_url(f"{server}/pack.zip", "det.onnx", DIGEST) == b"weights of a network"
    with pytest.raises(ModelError, match="MODEL_MISSING.*other.onnx"):
        download.member_of_url(f"{server}/pack.zip", "other.onnx", DIGEST)


def test_another_digest_another_scheme_and_too_much_are_refused(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"MODEL_REFUSED.*sha256"):
        download.member_of_url(f"{server}/pack.zip", "det.onnx", "0" * 64)
    with pytest.raises(ModelError, match=r"MODEL_REFUSED.*address"):
        download.member_of_url(f"{server}/away", "det.onnx", DIGEST)
    monkeypatch.setattr(download, "LIMIT_BYTES", 10)
    with pytest.raises(ModelError, match=r"MODEL_REFUSED.*10 bytes"):
        download.member_of_url(f"{server}/pack.zip", "det.onnx", DIGEST)


@pytest.mark.parametrize("url", ["http://h.org/x.zip", "file:///etc/passwd", "ftp://h.org/x.zip"])
def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(HourLakeError, match=r"MODEL_REFUSED.*https"):
        download.member_of_url(url, "x", DIGEST)


def test_scrfd_outputs_are_faces_in_pixels() -> None:
    # One face at the cell (3, 2) of stride 16, so around (48, 32), and the same once more on its second anchor.
    outputs = [np.zeros((2 * (64 // s) ** 2, n), np.float32) for n in (1, 4, 10) for s in scrfd.STRIDES]
    anchor = 2 * (2 * (64 // 16) + 3)
    for row, score in ((anchor, 0.9), (anchor + 1, 0.8)):
        outputs[1][row], outputs[4][row] = score, (1, 2, 1, 1)
        outputs[7][row] = (-0.5, -1, 0.5, -1, 0, -0.5, -0.5, 0, 0.5, 0.5)
    (face,) = scrfd.decoded(outputs, min_score=0.5, size=64)
    assert face.score == pytest.approx(0.9)
    assert face.box.tolist() == [32, 0, 32, 48]
    assert face.key_points[:4].tolist() == [[40, 16], [56, 16], [48, 24], [48, 36]]
    assert np.isnan(face.key_points[4:]).all()
    assert scrfd.decoded(outputs, min_score=0.95, size=64) == []


def test_licences_and_their_layers_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hour_lake.yaml"
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(file))
    monkeypatch.setenv(PROFILE_VARIABLE, "commercial")
    for provider, used, idle in (("mediapipe", "blazeface", "insightface_det_10g"),
                                 ("insightface", "insightface_det_10g", "blazeface")):  # fmt: skip
        file.write_text(f"home: {tmp_path / 'home'}\nlayers: {{face_boxes: {{provider: {provider}}}}}\n")
        answer = CliRunner().invoke(app, ["models", "licences", "--json"])
        rows = {row["model"]: row for row in json.loads(answer.stdout)}
        assert rows[used]["used_by"] == ["face_boxes"]
        assert rows[idle]["used_by"] == []
        assert rows["blazeface"]["allowed"] and not rows["insightface_det_10g"]["allowed"]


def test_what_waits_to_be_opted_in_is_not_pulled(tmp_path: Path) -> None:
    waiting = {"ge2e_speaker", "distill_mos", "transnet_v2", "open_nsfw"}
    assert not waiting & set(Project.open(Settings(home=tmp_path)).models)
    asked = Settings(home=tmp_path, opt_in=("speaker_embedding", "speech_quality", "unsafe"),
                     layers={"shot_boundaries": {"provider": "transnetv2"}})  # fmt: skip
    models = Project.open(asked).models
    assert {name: tuple(models[name]) for name in waiting} == {
        "ge2e_speaker": ("speaker_embedding",), "distill_mos": ("speech_quality",), "open_nsfw": ("unsafe",),
        "transnet_v2": ("shot_boundaries",),
    }  # fmt: skip


def test_the_provider_is_part_of_the_fingerprint_with_its_model(tmp_path: Path) -> None:
    parts = {provider: Project.open(Settings(home=tmp_path, layers={"face_boxes": {"provider": provider}}))
             .steps["face_boxes"].parts for provider in FINDERS}  # fmt: skip
    assert {name for name in parts["mediapipe"] if name.startswith("model:")} == {"model:blazeface"}
    assert {name for name in parts["insightface"] if name.startswith("model:")} == {"model:insightface_det_10g"}
