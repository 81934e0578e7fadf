"""The demo on a lakeFS lake: the stand-in serves it over HTTP, and all that is made is what the embedded lake has."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hour_lake.lake.interface import Lake
from hour_lake.lake.open import open_lake
from hour_lake.lake.remote import RemoteOptions
from hour_lake.passes.registry import load_layers
from hour_lake.sample.corpus import MANIFEST
from hour_lake_tests.flow import CHECKOUT, Flow
from hour_lake_tests.lakefs_server.running import Running, running

pytestmark = pytest.mark.slow
ADDRESS = "lakefs://talks"
MADE = ("videos/", "plans/", "segments/", "audio/", "layers/", "flags/")
# Of the sample corpus, so that the demo takes half its time: two of each presenter, and one that is refused.
VIDEOS = ("collins-two-cameras", "collins-on-a-phone", "hopper-long-pause", "hopper-webcam")
REFUSED = "hopper-not-a-video"


@dataclass(frozen=True)
class Remote:
    """A project whose lake is a repository of a server."""

    folder: Path
    server: Running
    environment: dict[str, str]

    def __call__(self, *arguments: str, exit_codes: tuple[int, ...] = (0, 2)) -> str:
        """Run a command as a user does; gives what it printed, errors too when they were expected."""
        done = subprocess.run(
            [sys.executable, "-m", "hour_lake", *arguments], cwd=self.folder, env=self.environment, text=True,
            capture_output=True, timeout=600, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in exit_codes, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + (done.stderr if 1 in exit_codes else "")

    def lake(self, monkeypatch: pytest.MonkeyPatch) -> Lake:
        """The lake, opened in this process."""
        for name in ("LAKECTL_SERVER_ENDPOINT_URL", *(n for n in self.environment if n.startswith("LAKECTL_"))):
            monkeypatch.setenv(name, self.environment[name])
        return open_lake(ADDRESS, options=RemoteOptions(cache=self.folder / "cache"))


@pytest.fixture(scope="module")
def remote(corpus: Path, weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """An empty checkout's folder with half of the sample corpus in it, and a server with an empty repository."""
    folder = tmp_path_factory.mktemp("remote")
    shutil.copytree(corpus, folder / "sample")
    header, *rows = (folder / "sample" / MANIFEST).read_text().splitlines()
    kept = [row for row in rows if row.split(",")[0] in (*VIDEOS, REFUSED)]
    (folder / "sample" / MANIFEST).write_text("\n".join([header, *kept]) + "\n")
    shutil.copytree(CHECKOUT / "examples", folder / "examples")
    shutil.copy(CHECKOUT / "hour_lake.yaml", folder)
    (folder / "server" / "s3" / "archive").mkdir(parents=True)
    (folder / "server" / "s3" / "archive" / "one.mp4").write_text("a video")
    with running(folder / "server" / "root", repository="talks", s3_root=folder / "server" / "s3") as server:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOUR_LAKE_", "DAGSTER_", "LAKECTL_"))}
        environment = {
            **kept,
            "HOUR_LAKE_LAKE": ADDRESS,
            "HOUR_LAKE_MODELS": str(weights_folder),
            "LAKECTL_SERVER_ENDPOINT_URL": server.endpoint,
            "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": server.access_key,
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": server.secret_key,
            "PYTHONPATH": str(CHECKOUT),
        }
        yield Remote(folder, server, environment)


@pytest.fixture(scope="module")
def shown(remote: Remote) -> str:
    """What the first demo printed."""
    return remote("demo")


def test_the_demo_ends_with_a_dataset(remote: Remote, shown: str) -> None:
    assert "dataset/talking_heads/v1" in shown and "NOT_MEDIA" in shown
    assert "nothing is stale: nothing ran" in remote("demo")


def test_sql_reads_the_server_as_it_reads_the_disk(remote: Remote, shown: str, flow: Flow) -> None:
    asked = f"select segment_id, luminance.mean as light, blink.blinks_per_minute as blinks, flags.passed from facts " \
            f"where video_id in {VIDEOS} order by 1"  # fmt: skip
    rows = flow.rows(asked)
    assert len(rows) > 8
    for ref in ("main", "dataset/talking_heads/v1"):
        assert json.loads(remote("sql", asked, "--json", "--ref", ref))["rows"] == rows


def test_what_is_made_does_not_depend_on_the_lake(
    remote: Remote, shown: str, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same videos give the same bytes under the same paths, on the disk and on a server.

    But for the layers over the whole corpus: the disk has twice the videos.
    """
    local, there = open_lake(flow.folder / "home" / "lake"), remote.lake(monkeypatch)
    over_all = tuple(f"layers/{layer.name}/" for layer in load_layers().values() if layer.is_corpus_wide)
    for prefix in MADE:
        here, remotely = (
            {entry.path: entry.digest for entry in lake.entries("main", prefix) if not entry.path.startswith(over_all)}
            for lake in (local, there)
        )
        here = {path: digest for path, digest in here.items() if any(f"/{name}" in path for name in VIDEOS)}
        assert here
        assert remotely == here, prefix
    asked = {path for name in over_all for path in (entry.path for entry in there.entries("main", name))}
    assert asked == {path for name in over_all for path in (entry.path for entry in local.entries("main", name))
                     if any(f"/{video}/" in path for video in VIDEOS)}  # fmt: skip


def test_a_pulled_dataset_is_whole(remote: Remote, shown: str, tmp_path: Path) -> None:
    assert "every digest is right" in remote("dataset", "pull", "talking_heads@v1", str(tmp_path / "training"))


def test_raw_videos_are_taken_in_by_reference(remote: Remote, shown: str) -> None:
    told = json.loads(remote("import", "s3://archive/one.mp4", "--to", "raw", "--json"))
    assert told["paths"] == {"raw/one.mp4": "s3://archive/one.mp4"}
    assert remote("cat", "raw/one.mp4", "--ref", told["commit"]) == "a video"


@pytest.mark.parametrize("command", ["gc", "fsck"])
def test_the_server_keeps_its_lake_in_order(remote: Remote, command: str) -> None:
    assert "LAKE_SERVED" in remote(command, exit_codes=(1,))


def test_no_secret_is_left_behind(remote: Remote, shown: str) -> None:
    secret = remote.server.secret_key.encode()
    found = [path for path in remote.folder.rglob("*") if path.is_file() and "server" not in path.parts
             and secret in path.read_bytes()]  # fmt: skip
    assert not found
