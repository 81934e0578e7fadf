"""The same manifest again: the same bytes, whatever was deleted in between and however many workers there are."""

import shutil
from pathlib import Path

import ffmpeg
import pytest

from hour_lake.lake.open import open_lake
from hour_lake.media.tools import ffmpeg_path
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


def two_segments(corpus: Path, folder: Path) -> Path:
    """The begin of a video of the corpus, long enough for two segments: one for each of two workers."""
    short = folder / "short.mkv"
    begin = ffmpeg.input(str(corpus / VIDEO), t=17)
    begin.output(str(short), c="copy", fflags="+bitexact").run(
        cmd=str(ffmpeg_path()), quiet=True, overwrite_output=True
    )
    return short


def ask(flow: Flow, video: Path, *options: str) -> None:
    flow("ingest", str(write_manifest(flow.folder, [{"id": "webcam", "source": str(video), "speaker": "Bo"}])))
    flow("run", "*", *options)
    (flow.folder / "everything.yaml").write_text(SPEC)
    flow("dataset", "compose", str(flow.folder / "everything.yaml"))


def digests(flow: Flow) -> dict[str, str]:
    lake = open_lake(flow.folder / "home" / "lake")
    return {entry.path: entry.digest for entry in lake.entries("main")}


def objects(flow: Flow) -> set[str]:
    return {file.name for file in (flow.folder / "home" / "lake" / "objects").rglob("*") if file.is_file()}


def settings(videos: Path, *, workers: int) -> str:
    return f"source_roots: [{videos}]\nworkers: {workers}\n"


def test_again_with_nothing_but_the_lake_and_with_other_workers(
    corpus: Path, weights_folder: Path, tmp_path: Path
) -> None:
    video = two_segments(corpus, tmp_path)
    flow = Flow.create(tmp_path / "project", weights_folder, settings=settings(tmp_path, workers=2))
    ask(flow, video)
    assert len(flow.rows("from segments")) == 2
    first, stored = digests(flow), objects(flow)
    assert {path.split("/")[0] for path in first} >= {"segments", "audio", "layers", "tables", "datasets"}

    for folder in (flow.folder / "home").iterdir():
        if folder.name != "lake":
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    flow = Flow.create(flow.folder, weights_folder, settings=settings(tmp_path, workers=1))
    ask(flow, video, "--refresh")
    assert digests(flow) == first and objects(flow) == stored
