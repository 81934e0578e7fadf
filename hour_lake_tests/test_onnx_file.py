"""ONNX files whose weights lie elsewhere are refused; ONNX Runtime tells whether the files here are what they say."""

import hashlib
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.errors import ModelError
from hour_lake.models import registry as registry_module
from hour_lake.models import store
from hour_lake.models.onnx_file import external_tensors
from hour_lake.models.registry import Model
from hour_lake.models.store import FOLDER_VARIABLE, pull, verify, weights, weights_file
from hour_lake_tests.onnx_bytes import W, adding, choosing, field, onnx, tensor

INSIDE, BESIDE = onnx(adding(tensor())), onnx(adding(tensor(file="w.bin")))


def test_the_file_with_weights_beside_it_is_one_that_onnx_runtime_takes(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(struct.pack("<3f", 5, 6, 7))  # whoever changes this file changes the network
    (tmp_path / "net.onnx").write_bytes(BESIDE)
    x = np.zeros(3, np.float32)
    beside = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    inside = onnxruntime.InferenceSession(INSIDE, providers=["CPUExecutionProvider"])
    assert beside.run(None, {"x": x})[0].tolist() == [5, 6, 7]
    assert inside.run(None, {"x": x})[0].tolist() == list(W)
    onnxruntime.InferenceSession(onnx(choosing(tensor())), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("file", "outside"),
    [
        (INSIDE, []),
        (BESIDE, ["w"]),
        (onnx(adding(tensor(file="w.bin", marked=False))), ["w"]),
        (onnx(choosing(tensor())), []),
        (onnx(choosing(tensor(file="/etc/passwd"))), ["w", "w"]),
        (onnx(field(15, field(1, tensor(file="w.bin")) + field(2, tensor()))), ["w"]),  # a sparse tensor
        (onnx(b"") + field(25, field(7, field(5, field(10, tensor(file="w.bin"))))), ["w"]),  # in a function
        (onnx(b"") + field(20, field(2, adding(tensor(file="w.bin")))), ["w"]),  # in what trains it
        (onnx(adding(tensor()) + field(5, field(8, "empty"))), []),
    ],
)  # fmt: skip
def test_tensors_outside_are_found_wherever_they_are(file: bytes, outside: list[str]) -> None:
    assert external_tensors(file) == outside


@pytest.mark.parametrize(
    "data", [b"weights of a network", INSIDE[:-3], b"\x3b\x00", b"\x38\x01", b"\xff" * 12],
    ids=["words", "cut", "group", "number for a graph", "endless number"],
)  # fmt: skip
def test_what_is_no_onnx_file_is_said(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        external_tensors(data)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_answer_or_value_error(data: bytes) -> None:
    try:
        assert external_tensors(data) == sorted(external_tensors(data))
    except ValueError as error:
        assert str(error)


def test_the_real_networks_hold_all_of_their_weights(weights_folder: Path) -> None:
    here = [model for model in verify(weights_folder) if model.member.endswith(".onnx")]
    assert {"ppocr_det", "ppocr_rec"} <= {model.name for model in here}
    for model in here:
        assert external_tensors(weights(model.name, asked_by="a test")) == []


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mapping[str, Model]:
    """Two networks in the folder, both with the digest of the registry; the weights of one lie beside it."""
    known = {
        name: Model(name=name, purpose="a test", member=f"{name}.onnx", sha256=hashlib.sha256(data).hexdigest(),
                    size_bytes=len(data), licence="MIT", commercial=True, origin="us", wheel="some-wheel==1.0")
        for name, data in (("inside", INSIDE), ("beside", BESIDE))
    }  # fmt: skip
    for name, data in (("inside", INSIDE), ("beside", BESIDE)):
        (tmp_path / known[name].file_name).write_bytes(data)
    monkeypatch.setattr(registry_module, "registry", lambda: known)
    monkeypatch.setattr(store, "registry", lambda: known)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return known


def test_a_network_with_weights_outside_is_refused_though_its_digest_is_right(
    toys: Mapping[str, Model], tmp_path: Path
) -> None:
    assert weights("inside", asked_by="a_layer") == INSIDE
    for opened in (weights, weights_file):
        with pytest.raises(ModelError, match=r"MODEL_REFUSED.*outside.*w.*a_layer"):
            opened("beside", asked_by="a_layer")
    for check in (lambda: verify(tmp_path), lambda: pull(None, tmp_path)):
        with pytest.raises(ModelError, match="MODEL_REFUSED.*beside"):
            check()
