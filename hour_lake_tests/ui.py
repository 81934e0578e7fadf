"""The Dagster UI in a real Chromium, driven as a person does: select assets, choose partitions, launch, look."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import FloatRect, Page, ViewportSize, sync_playwright

from hour_lake_tests.flow import Flow

PICTURES = Path(__file__).parent.parent / "build" / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
VIEW: ViewportSize = {"width": 1800, "height": 1100}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser_path() -> str:
    """The browser of this machine."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    assert found, f"the browser tests need one of {', '.join(BROWSERS)}"
    return found


@contextmanager
def dagster_dev(flow: Flow, **environment: str) -> Generator[str]:
    """`dagster dev` on a project, as `make dev` starts it; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port), "-m",
               "hour_lake.definitions"]  # fmt: skip
    with (flow.folder / "dev.log").open("w") as log:
        server = subprocess.Popen(
            command,
            cwd=flow.folder,
            env={**flow.environment, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/server_info", flow.folder / "dev.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, 9)
            server.wait()


def _wait_for(address: str, log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.5)


@contextmanager
def page_of(address: str) -> Generator[Page]:
    """A browser's page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        page = browser.new_page(viewport=VIEW)
        page.set_default_timeout(120_000)
        page.goto(address)
        yield page
        browser.close()


def show_groups(page: Page, address: str) -> None:
    """The whole graph, a box a group; so wide that a box tells how many assets it holds and how they are."""
    page.set_viewport_size({"width": 2800, "height": 1300})
    page.get_by_text("Hide navigation").click()
    page.goto(f"{address}/asset-groups")
    page.get_by_text("Materialize all").wait_for()
    _wait_for_states(page)


def show_group(page: Page, address: str, name: str) -> None:
    """One group open, all of it in view: names and states."""
    page.set_viewport_size({"width": 1800, "height": 1400})
    page.goto(f"{address}/locations/hour_lake.definitions/asset-groups/{name}/lineage")
    page.get_by_text("Materialize all").wait_for()
    _wait_for_states(page)
    page.mouse.move(920, 780)
    page.keyboard.down("Control")  # the wheel zooms; without the key it moves the graph
    for _ in range(3):
        page.mouse.wheel(0, 120)
        page.wait_for_timeout(700)
    page.keyboard.up("Control")
    page.mouse.move(300, 1300)
    page.wait_for_timeout(1000)


def _wait_for_states(page: Page) -> None:
    page.wait_for_timeout(3000)  # the graph is laid out
    page.get_by_text("fetching statuses").first.wait_for(state="detached")
    page.wait_for_timeout(1000)


def picture(page: Page, name: str, *, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0) -> None:
    """A screenshot, kept for the readme; without so many px at each side."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    assert size
    clip: FloatRect = {
        "x": left, "y": top, "width": size["width"] - left - right, "height": size["height"] - top - bottom,
    }  # fmt: skip
    page.screenshot(path=PICTURES / f"{name}.png", clip=clip)


def reload_code(page: Page, address: str) -> None:
    """Load the code location again, as after a file was dropped into a folder of layers."""
    page.goto(f"{address}/locations")
    page.get_by_role("button", name="Reload all").click()
    page.get_by_text("Definitions reloaded!").wait_for()


def select_assets(page: Page, address: str, names: list[str]) -> None:
    """Select assets in the graph, by the address that the UI itself gives to a selection."""
    page.goto(f"{address}/asset-groups/{'%2C'.join(names)}")
    page.get_by_text(f"Materialize selected ({len(names)})").wait_for()


def launch_backfill(page: Page, *, partitions: str) -> None:
    """In the dialog: type a part of the partitions' names, take all that match, launch."""
    page.get_by_text("Materialize selected").click()
    page.get_by_text("Select a partition or create one").click()
    page.keyboard.type(partitions)
    page.get_by_text("Select all (").click()
    page.get_by_text("Partition selection").click(force=True)
    picture(page, "backfill_dialog")
    page.get_by_role("button", name="Launch backfill").click()
