"""The device of a layer, through the engine: asked for, overridden, told to workers, reported, and not in the files."""

import os
import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from hour_lake.assets.hardware import on_gpu
from hour_lake.assets.layers import product
from hour_lake.errors import ConfigError
from hour_lake.identity import Segment
from hour_lake.ledger.project import Project
from hour_lake.models.device import DEVICE_VARIABLE
from hour_lake.passes.corpus import made
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.registry import Layers, load_layers
from hour_lake.passes.run import run_pass
from hour_lake.passes.segment import SegmentTask, run_segment
from hour_lake.passes.tables import from_parquet
from hour_lake.passes.workers import Workers
from hour_lake.settings import Settings
from hour_lake_tests.flow import Flow, write_manifest
from hour_lake_tests.test_devices import without_gpu
from hour_lake_tests.toy_layers import READERS, layers_of, make_clip

SEGMENT = "bob_00000000_00000400"
TOYS = """
from hour_lake.models.device import asked, ran_on

@layer(reads="frames", columns={"device": "string"})
def toy_cpu(frames):
    return {"device": [asked()] * len(frames)}

@layer(reads="frames", columns={"device": "string"}, compute="gpu")
class toy_gpu:
    def __init__(self):
        self.first = asked()
    def __call__(self, frames):
        ran_on("cuda:0" if asked() == "cuda" else "cpu")
        return {"device": [self.first] * len(frames)}

@layer(reads="frames", rows="segment", columns={"device": "string"}, compute="gpu")
class toy_own:
    def __call__(self, frames): ...
    def finish(self):
        return {"device": [asked()]}

@layer(reads="toy_cpu", columns={"device": "string"}, rows="window", compute="gpu")
def toy_table(toy_cpu):
    ran_on("cuda:0")
    ran_on("cpu")
    return {"device": [asked()]}

@layer(reads="toy_cpu", columns={"device": "string"}, rows="corpus", compute="gpu")
def toy_corpus(toy_cpu):
    ran_on("cuda:0")
    return {"segment_id": toy_cpu["segment_id"], "device": [asked()] * len(toy_cpu["segment_id"])}

@layer(reads="frames", columns={"a": "bool"}, models=("blazeface",))
def toy_network(frames): ...
"""


@pytest.fixture(autouse=True)
def nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)


@pytest.mark.parametrize("told", ["gpu", "CUDA", "cuda:0", "1"])
def test_another_word_is_refused_before_any_segment_is(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, told)
    with pytest.raises(ConfigError, match=f"CONFIG_TYPE.*{told}"):
        Project.open(Settings(home=tmp_path / "home"))
    assert not (tmp_path / "home").exists()


@pytest.fixture
def toys(tmp_path: Path) -> tuple[Layers, SegmentMedia]:
    layers = layers_of(tmp_path / "layers", toys=TOYS)
    return layers, SegmentMedia(SEGMENT, make_clip(tmp_path / "clip.mp4", frames=10), None, None)


def outcomes(toys: tuple[Layers, SegmentMedia], *names: str) -> dict[str, Outcome]:
    layers, media = toys
    found = run_pass([layers[name] for name in names], media, {}, {}, readers=READERS)
    assert all(isinstance(outcome, Outcome) for outcome in found.values()), found
    return {name: outcome for name, outcome in found.items() if isinstance(outcome, Outcome)}


NAMES = ("toy_cpu", "toy_gpu", "toy_own", "toy_table")


@pytest.mark.parametrize(
    ("told", "seen", "said"),
    [(None, ["cpu", "cuda", "cuda", "cuda"], ["cpu", "cuda:0", None, "cpu, cuda:0"]),
     ("cpu", ["cpu", "cpu", "cpu", "cpu"], ["cpu", "cpu", None, "cpu, cuda:0"]),
     ("cuda", ["cuda", "cuda", "cuda", "cuda"], ["cpu", "cuda:0", None, "cpu, cuda:0"])],
)  # fmt: skip
def test_each_layer_of_a_pass_has_its_own_device(
    toys: tuple[Layers, SegmentMedia],
    told: str | None,
    seen: list[str],
    said: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if told:
        monkeypatch.setenv(DEVICE_VARIABLE, told)
    found = outcomes(toys, *NAMES)
    assert [from_parquet(found[name].data)["device"][0] for name in NAMES] == seen
    assert [found[name].device for name in NAMES] == said


def test_so_has_a_layer_over_the_corpus(toys: tuple[Layers, SegmentMedia]) -> None:
    table = {"segment_id": np.array([SEGMENT], object), "device": np.array(["cpu"], object)}
    outcome = made(toys[0]["toy_corpus"], [table], {})
    assert getattr(outcome, "device", outcome) == "cuda:0"


def test_workers_are_told_too(
    toys: tuple[Layers, SegmentMedia], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda")
    task = SegmentTask(SEGMENT, ("toy_cpu",), {"frames": str(tmp_path / "clip.mp4")}, {}, (str(tmp_path / "layers"),))
    with Workers(1) as workers:
        ((_, found),) = workers.map(run_segment, [task])
    assert isinstance(found, dict) and isinstance(found["toy_cpu"], Outcome), found
    assert from_parquet(found["toy_cpu"].data)["device"].tolist() == ["cuda"] * 10


def test_workers_know_which_gpu_is_meant_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "VK_DRIVER_FILES": "/etc/nvidia_icd.json"}
    for name, value in {**told, "NVIDIA_API_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    with Workers(1) as workers:
        seen = dict(workers.map(os.getenv, [*told, "NVIDIA_API_KEY"]))
    assert seen == {**told, "NVIDIA_API_KEY": None}


@without_gpu
@pytest.mark.usefixtures("weights_folder")
def test_the_same_bytes_whatever_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toys = load_layers(), SegmentMedia(SEGMENT, make_clip(tmp_path / "clip.mp4", frames=10), None, None)
    found: list[tuple[bytes, str | None]] = []
    for told in ("cpu", "cuda"):
        monkeypatch.setenv(DEVICE_VARIABLE, told)
        boxes = outcomes(toys, "face_boxes")["face_boxes"]
        found.append((boxes.data, boxes.device))
    assert found[0] == found[1]
    assert found[0][1] == "cpu"


@pytest.mark.parametrize("device", ["cpu", "cuda:0", None])
def test_the_metadata_say_it_and_the_files_do_not(device: str | None) -> None:
    segment = Segment("bob", 0, 400)
    shown = product("face_boxes", segment, Outcome(b"table", 10, 0.1, device=device))
    assert shown.metadata.get("device") == device
    assert ("device" in shown.metadata) == (device is not None)
    assert list(shown.files.values()) == [b"table"]


@pytest.mark.parametrize(
    ("names", "told", "expected"),
    [(["toy_cpu"], None, False), (["toy_cpu", "toy_gpu"], None, True), (["toy_network"], None, False),
     (["toy_network"], "cuda", True), (["toy_cpu"], "cuda", False), (["toy_gpu"], "cpu", True)],
)  # fmt: skip
def test_what_may_start_cuda_runs_where_memory_is_not_limited(
    toys: tuple[Layers, SegmentMedia],
    names: list[str],
    told: str | None,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if told:
        monkeypatch.setenv(DEVICE_VARIABLE, told)
    assert on_gpu([toys[0][name] for name in names]) == expected


@pytest.mark.slow
@without_gpu
def test_the_materialization_of_a_segment_says_it(
    corpus: Path, weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow.create(tmp_path / "project", weights_folder)
    shutil.copy(corpus / "hopper-webcam.mkv", flow.folder)
    row = {"id": "talk", "source": "hopper-webcam.mkv", "licence": "public-domain", "consent": "synthetic"}
    told = {DEVICE_VARIABLE: "cuda"}
    flow("ingest", str(write_manifest(flow.folder, [row])), **told)
    flow("run", "segments,face_boxes", **told)
    home = str(flow.folder / "home" / "dagster")
    monkeypatch.setenv("DAGSTER_HOME", home)
    with dg.DagsterInstance.from_config(home) as instance:
        records = instance.fetch_materializations(dg.AssetKey("face_boxes"), limit=100).records
    events = [record.asset_materialization for record in records]
    assert {event.metadata["device"].value for event in events if event} == {"cpu"}
