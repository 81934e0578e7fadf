"""The same manifest again: the same bytes, whatever was deleted in between and however many workers there are."""

import shutil
from pathlib import Path

import pytest

from hour_lake.lake.open import open_lake
from hour_lake_tests.flow import Flow, write_manifest

pytestmark = pytest.mark.slow
VIDEO = "hopper-webcam.mkv"
SPEC = """\
name: everything
where: voice_activity.speech_share >= 0
size: {segments: {min: 1}}
objective: {maximise: size}
include: [clip, audio, mel]
"""


def ask(flow: Flow, corpus: Path, *options: str) -> None:
    flow("ingest", str(write_manifest(flow.folder, [{"id": "webcam", "source": str(corpus / VIDEO), "speaker": "Bo"}])))
    flow("run", "*", *options)
    (flow.folder / "everything.yaml").write_text(SPEC)
    flow("dataset", "compose", str(flow.folder / "everything.yaml"))


def digests(flow: Flow) -> dict[str, str]:
    lake = open_lake(flow.folder / "home" / "lake")
    return {entry.path: entry.digest for entry in lake.entries("main")}


def objects(flow: Flow) -> set[str]:
    return {file.name for file in (flow.folder / "home" / "lake" / "objects").rglob("*") if file.is_file()}


def settings(corpus: Path, *, workers: int) -> str:
    return f"source_roots: [{corpus}]\nworkers: {workers}\n"


def test_again_with_nothing_but_the_lake_and_with_other_workers(
    corpus: Path, weights_folder: Path, tmp_path: Path
) -> None:
    flow = Flow.create(tmp_path / "project", weights_folder, settings=settings(corpus, workers=2))
    ask(flow, corpus)
    first, stored = digests(flow), objects(flow)
    assert {path.split("/")[0] for path in first} >= {"segments", "audio", "layers", "tables", "datasets"}

    for folder in (flow.folder / "home").iterdir():
        if folder.name != "lake":
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    flow = Flow.create(flow.folder, weights_folder, settings=settings(corpus, workers=1))
    ask(flow, corpus, "--refresh")
    assert digests(flow) == first and objects(flow) == stored
