"""In a real browser: layers dropped into a folder appear after a reload, and a backfill runs them over a range of
partitions with one bad segment in it.
"""

import json
import time
from pathlib import Path

import pytest

from hour_lake_tests.flow import Flow
from hour_lake_tests.ui import (
    VIEW,
    dagster_dev,
    launch_backfill,
    page_of,
    picture,
    reload_code,
    select_assets,
    show_group,
    show_groups,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]
VIDEO = "collins-two-cameras"
LAYERS = {
    "red_share": '''"""How red the picture is."""

from hour_lake.layers import Frames, layer


@layer(reads="frames", columns={"share": "float32"}, facts={"mean": "avg(share)"})
def red_share(frames: Frames):
    pixels = frames.pixels[:, ::8, ::8].astype("float32")
    return {"share": pixels[..., 0].sum(axis=(1, 2)) / pixels.sum(axis=(1, 2, 3)).clip(1)}
''',
    "jump": '''"""The largest jump in the sound. Refuses one segment, as a layer with a mistake does."""

import numpy as np

from hour_lake.layers import Samples, layer


@layer(reads="samples", columns={"jump": "float32"}, facts={"jump": "max(jump)"}, rows="segment")
def jump(samples: Samples):
    if BAD_SAMPLES == len(samples.values):
        raise ValueError("this segment is not for me")
    return {"jump": np.abs(np.diff(samples.values)).max(keepdims=True)}
''',
    "broken": '"""Reads what is not there."""\nfrom hour_lake.layers import layer\n\n\n'
    '@layer(reads="framse", columns={"a": "float32"})\ndef broken(framse): ...\n',
}


@pytest.fixture
def project(flow: Flow, tmp_path: Path) -> tuple[Flow, list[str], dict[str, str]]:
    """A copy of the project with an empty folder of layers; segments of the range; files to drop there.

    One layer fails on the second segment, one file is broken.
    """
    copy = flow.copy(tmp_path / "project")
    rows = copy.rows(f"select segment_id, duration_seconds from segments where video_id = '{VIDEO}' order by 1")
    (copy.folder / "layers").mkdir()
    bad_samples = str(round(rows[1]["duration_seconds"] * 16_000))
    files = {name: text.replace("BAD_SAMPLES", bad_samples) for name, text in LAYERS.items()}
    return copy, [row["segment_id"] for row in rows], files


def test_layers_that_are_dropped_into_a_folder_are_backfilled(project: tuple[Flow, list[str], dict[str, str]]) -> None:
    flow, segments, files = project
    bad = segments[1]
    layers = {"HOUR_LAKE_LAYERS": str(flow.folder / "layers")}
    with dagster_dev(flow, **layers) as address, page_of(f"{address}/asset-groups") as page:
        page.get_by_text("Materialize all").wait_for()
        for name, text in files.items():
            (flow.folder / "layers" / f"{name}.py").write_text(text)
        reload_code(page, address)
        show_groups(page, address)
        picture(page, "asset_graph", left=370, top=115, right=60)
        show_group(page, address, "frames")
        picture(page, "asset_group", left=480, top=165, right=480)
        page.set_viewport_size(VIEW)
        select_assets(page, address, ["red_share", "jump"])
        launch_backfill(page, partitions=VIDEO)
        _wait_until_done(flow, segments, layers)
        page.goto(f"{address}/assets/jump?view=partitions")
        page.get_by_text("Failed (1)").wait_for()
        page.get_by_text(f"Materialized ({len(segments) - 1})").wait_for()
        picture(page, "backfill")
        page.goto(f"{address}/assets/red_share?view=partitions")
        page.get_by_text(f"Materialized ({len(segments)})").wait_for()
    mistake = f"where: {flow.folder / 'layers' / 'broken.py'}:5 | fix: did you mean 'frames'?"
    assert mistake in (flow.folder / "dev.log").read_text()
    states = _states(flow, layers)
    expected = {("red_share", s): "fresh" for s in segments} | {("jump", s): "fresh" for s in segments if s != bad}
    assert {key: states[key] for key in expected} == expected
    assert states["jump", bad] == "failed"
    assert "LAYER_FAILED" in flow("status", "--why", "--segments", bad, **layers)


def _wait_until_done(flow: Flow, segments: list[str], layers: dict[str, str]) -> None:
    deadline = time.monotonic() + 480
    while time.monotonic() < deadline:
        states = _states(flow, layers)
        if all(states[name, s] in ("fresh", "failed") for name in ("red_share", "jump") for s in segments):
            return
        time.sleep(3)
    raise AssertionError((flow.folder / "dev.log").read_text()[-4000:])


def _states(flow: Flow, layers: dict[str, str]) -> dict[tuple[str, str], str]:
    found = json.loads(flow("status", "--why", "--segments", f"{VIDEO}*", "--json", **layers))
    names = [row["asset"] for row in found["assets"]]
    ids = [row["segment_id"] for row in flow.rows(f"select segment_id from segments where video_id = '{VIDEO}'")]
    states = {(name, segment): "fresh" for name in names for segment in ids}
    return states | {(row["asset"], row["segment"]): row["state"] for row in found["open"]}
