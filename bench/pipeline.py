"""The whole pipeline against the bare baseline, again with nothing changed, and with one worker against two."""

import os
import subprocess
import sys
from pathlib import Path

from bench import bare
from bench.measure import Measure, timed
from hour_lake.identity import Segment
from hour_lake.lake.open import open_lake
from hour_lake.ledger.plans import all_segments
from hour_lake.sample.script import TAKES


def measure(corpus: Path, weights: Path, scratch: Path) -> list[Measure]:
    two, first_run = _pipeline(corpus, weights, scratch / "two", workers=2)
    segments = _segments(scratch / "two")
    with timed() as again:
        _command(scratch / "two", weights, "run", "*")
    with timed() as bare_two:
        bare.run(_jobs(corpus, segments, scratch / "clips"), processes=2, weights=weights)
    one, _ = _pipeline(corpus, weights, scratch / "one", workers=1)
    checked = _checked(scratch / "two", weights)
    return [
        Measure("pipeline / (decode + encode + bare inference)", two / bare_two.seconds, "x",
                f"{two:.1f} s over {bare_two.seconds:.1f} s, 2 processes each, {len(segments)} segments", 1.25),
        Measure("nothing changed: second run / first run", again.seconds / first_run, "",
                f"{again.seconds:.2f} s over {first_run:.1f} s", 1 / 20),
        Measure("nothing changed: checking a segment", checked / len(segments) * 1000, "ms",
                f"all steps of {len(segments)} segments in {checked * 1000:.0f} ms"),
        Measure("2 workers / 1 worker", one / two, "x faster", f"{one:.1f} s and {two:.1f} s", 1.8, "more"),
    ]  # fmt: skip


def _pipeline(corpus: Path, weights: Path, folder: Path, *, workers: int) -> tuple[float, float]:
    """Seconds of ingest + run, and of the run alone, each a process of its own as a user starts it."""
    folder.mkdir()
    settings = f"home: home\nworkers: {workers}\nsource_roots: [{corpus}]\n"
    (folder / "hour_lake.yaml").write_text(settings)
    _command(folder, weights, "init")
    with timed() as ingest:
        _command(folder, weights, "ingest", str(corpus / "manifest.csv"))
    with timed() as run:
        _command(folder, weights, "run", "*")
    return ingest.seconds + run.seconds, run.seconds


def _command(folder: Path, weights: Path, *arguments: str) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOUR_LAKE_", "DAGSTER_"))}
    environment = {**kept, "HOUR_LAKE_CONFIG": str(folder / "hour_lake.yaml"), "HOUR_LAKE_MODELS": str(weights),
                   "DAGSTER_HOME": str(folder / "home" / "dagster")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "hour_lake", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode not in (0, 2):  # 2: the video without sound, whose sound layers fail
        raise RuntimeError(done.stdout + done.stderr)


def _segments(folder: Path) -> list[Segment]:
    return all_segments(open_lake(folder / "home" / "lake"), "main")


def _jobs(corpus: Path, segments: list[Segment], clips: Path) -> list[bare.Job]:
    clips.mkdir()
    return [
        (str(corpus / take.file), tuple(s for s in segments if s.video_id == take.video_id), str(clips))
        for take in TAKES
    ]


def _checked(folder: Path, weights: Path) -> float:
    """Seconds for the states of all steps of all segments, in a process that has been started already."""
    code = (
        "import time; from hour_lake.ledger.project import Project; from hour_lake.ledger.status import Status\n"
        "project = Project.open(); Status.of(project)\n"
        "started = time.perf_counter(); Status.of(project); print(time.perf_counter() - started)"
    )
    environment = {**os.environ, "HOUR_LAKE_CONFIG": str(folder / "hour_lake.yaml"), "HOUR_LAKE_MODELS": str(weights)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)
