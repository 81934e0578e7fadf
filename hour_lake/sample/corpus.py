"""Makes the sample corpus: eight videos of two presenters, two files that are broken, a manifest, and the truth.

Needs no model, no network and no Dagster. The same version of Hour Lake on the same machine makes the same bytes.
"""

import csv
import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2

from hour_lake.sample.film import film
from hour_lake.sample.script import TAKES, Take

MANIFEST, TRUTH, DIGEST = "manifest.csv", "truth.json", "corpus.sha256"
CUT_SHORT, NOT_A_VIDEO = "collins-cut-short", "hopper-not-a-video"
CUT_SHORT_SHARE = 0.55  # of the bytes of the first take
COLUMNS = ("id", "source", "speaker", "licence", "consent", "sha256", "title", "language")
LICENCE = "public-domain"  # the photographs; the voices and all else are made by this package
CONSENT = "synthetic"
CONVENTIONS = {
    "ranges": "[start, stop) in seconds of the video's own time; a cut is the time of a shot's first frame",
    "mouth_openness": "0 shut .. 1 wide; the lips' distance is this times a third of the mouth's width",
    "eye_closure": "0 open .. 1 shut",
    "yaw_degrees": "0 faces the camera; positive has the nose to the right of the picture",
    "pitch_degrees": "against the photograph; positive is up",
    "roll_degrees": "against the photograph; positive is clockwise in the picture",
    "face_box_px": "x, y, width, height of the presenter's face mesh, forehead to chin, in the upright picture",
    "exposure": "share of the light that reaches the picture; 1 is normal",
    "pauses_seconds": "silence before, between and after the sentences; a comma within one is not listed",
    "loudness_lufs": "integrated, ITU-R BS.1770-4, of what went into the encoder",
}
Progress = Callable[[int, int], None]


def make_corpus(folder: Path, *, workers: int = 2, progress: Progress | None = None) -> Path:
    """Makes the corpus in a folder, unless it is there already, and returns the path of its manifest.

    `progress(done, total)` counts videos. About a minute on two cores, 60 MB.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if is_complete(folder):
        return folder / MANIFEST
    (folder / DIGEST).unlink(missing_ok=True)
    truths = dict(_filmed(folder, workers, progress))
    broken = _write_broken(folder)
    _write_truth(folder, [truths[take.video_id] for take in TAKES], broken)
    _write_manifest(folder)
    (folder / DIGEST).write_text(corpus_digest() + "\n")
    return folder / MANIFEST


def is_complete(folder: Path) -> bool:
    """Whether the folder holds the corpus that this version makes."""
    digest = folder / DIGEST
    names = [take.file for take in TAKES] + [f"{CUT_SHORT}.mp4", f"{NOT_A_VIDEO}.mp4", MANIFEST, TRUTH]
    return (
        digest.is_file()
        and digest.read_text().strip() == corpus_digest()
        and all((folder / n).is_file() for n in names)
    )


def corpus_digest() -> str:
    """sha256 over all that shapes the corpus: this package's sources and data, and the libraries' versions."""
    here = Path(__file__).parent
    made = hashlib.sha256()
    for path in sorted(p for p in here.rglob("*") if p.is_file() and p.suffix != ".pyc"):
        made.update(f"{path.relative_to(here)}\n".encode())
        made.update(hashlib.sha256(path.read_bytes()).digest())
    for name in ("av", "numpy", "opencv-python-headless", "soundfile"):
        made.update(f"{name} {version(name)}\n".encode())
    return made.hexdigest()


def _filmed(folder: Path, workers: int, progress: Progress | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each take's id and truth, as they are done; the largest are started first."""
    by_size = sorted(TAKES, key=lambda take: take.size[0] * take.size[1], reverse=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        running = {pool.submit(_film_whole, take, folder): take for take in by_size}
        for done, future in enumerate(as_completed(running), start=1):
            yield running[future].video_id, future.result()
            if progress is not None:
                progress(done, len(by_size))


def _one_thread() -> None:
    cv2.setNumThreads(1)


def _film_whole(take: Take, folder: Path) -> dict[str, Any]:
    """Films beside the place and moves it there when whole, so that no half file is ever taken for a video."""
    unfinished = folder / f".unfinished-{take.video_id}"
    unfinished.mkdir(exist_ok=True)
    truth = film(take, unfinished)
    (unfinished / take.file).replace(folder / take.file)
    unfinished.rmdir()
    return truth


def _write_broken(folder: Path) -> list[dict[str, Any]]:
    whole = (folder / TAKES[0].file).read_bytes()
    (folder / f"{CUT_SHORT}.mp4").write_bytes(whole[: int(len(whole) * CUT_SHORT_SHARE)])
    (folder / f"{NOT_A_VIDEO}.mp4").write_text("This is a page of text that was given the name of a video.\n" * 40)
    return [{"file": f"{CUT_SHORT}.mp4", "code": "TRUNCATED"}, {"file": f"{NOT_A_VIDEO}.mp4", "code": "NOT_MEDIA"}]


def _write_truth(folder: Path, videos: list[dict[str, Any]], broken: list[dict[str, Any]]) -> None:
    truth = {
        "conventions": CONVENTIONS,
        "videos": {Path(video["file"]).stem: video for video in videos},
        "broken": {Path(entry["file"]).stem: entry for entry in broken},
    }
    (folder / TRUTH).write_text(json.dumps(truth, separators=(",", ":")) + "\n")


def _write_manifest(folder: Path) -> None:
    rows = [(take.video_id, take.file, take.speaker, take.title) for take in TAKES]
    rows += [(CUT_SHORT, f"{CUT_SHORT}.mp4", "collins", "Half of a file"),
             (NOT_A_VIDEO, f"{NOT_A_VIDEO}.mp4", "hopper", "A page of text")]  # fmt: skip
    with (folder / MANIFEST).open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for video_id, name, speaker, title in rows:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            out.writerow((video_id, name, speaker, LICENCE, CONSENT, digest, title, "en"))
