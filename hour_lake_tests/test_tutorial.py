"""docs/tutorial_layer.md is done as it says, in an empty folder: each command, each edit, each answer that it shows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hour_lake_tests.flow import CHECKOUT, Flow
from hour_lake_tests.followed import Followed
from hour_lake_tests.tutorial import Step, changed, plain, steps_of

pytestmark = pytest.mark.slow
PAGE = CHECKOUT / "docs" / "tutorial_layer.md"
PICTURES = CHECKOUT / "build" / "pictures"  # `cp build/pictures/tutorial_* docs/pictures` brings the page up to date


class Reader:
    """Somebody who does what the page says."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {"PATH": binaries, "DAGSTER_HOME": str(flow.folder / ".hour_lake" / "dagster")}
        self.heard = ""
        self.watching: Followed | None = None

    def run(self, step: Step) -> None:
        self.stop()
        if step.text.startswith("export "):
            self.environment |= dict([step.text.removeprefix("export ").split("=")])
            return
        done = subprocess.run(
            ["bash", "-c", step.text], cwd=self.flow.folder, env={**self.flow.environment, **self.environment},
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        assert done.returncode == 0 and "Traceback" not in done.stderr, f"{step.text}\n{done.stdout}\n{done.stderr}"
        self.heard = done.stdout

    def watch(self, step: Step) -> None:
        self.watching = Followed(self.flow, *step.text.split()[1:], **self.environment)
        self.heard = self.watching.until("Ctrl-C")

    def write(self, step: Step) -> None:
        (self.flow.folder / step.file).write_text(step.text)

    def change(self, step: Step) -> None:
        file = self.flow.folder / step.file
        file.write_text(changed(file.read_text(), step.text))
        assert self.watching
        self.heard = self.watching.until("Ctrl-C")

    def said(self, step: Step) -> None:
        shown, heard = plain(step.text, self.flow.folder), plain(self.heard, self.flow.folder)
        assert [line for line in shown if line not in heard] == [], self.heard

    def stop(self) -> None:
        assert self.watching is None or self.watching.interrupt() == 0
        self.watching = None


def test_the_page_does_what_it_says(corpus: Path, weights_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "sample")  # `hour-lake sample` then finds that it is there
    reader = Reader(Flow(tmp_path, weights_folder))
    for step in steps_of(PAGE):
        getattr(reader, step.kind)(step)
        if "= 0.75" in step.text:
            keep(tmp_path / "try.png", "tutorial_threshold")
    keep(tmp_path / "smile.png", "tutorial_smile")
    assert len(list((tmp_path / "training").rglob("*.mp4"))) == 2


def test_its_pictures_are_there() -> None:
    names = re.findall(r"\]\((\S+?)\)", PAGE.read_text())
    assert len(names) == 2 and all((PAGE.parent / name).is_file() for name in names)


def keep(picture: Path, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    shutil.copy(picture, PICTURES / f"{name}.png")
