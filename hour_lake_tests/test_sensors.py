"""Sensors: a manifest that appears or changes starts one run; planned segments are asked for in ranges."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hour_lake.assets.partitions import MANIFESTS
from hour_lake.orchestration.sensors import new_manifests, stale_catalog


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "hour_lake.yaml").write_text("home: home\nmanifests: manifests\n")
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(tmp_path / "hour_lake.yaml"))
    monkeypatch.setenv("HOUR_LAKE_MODELS", str(tmp_path / "models"))
    yield tmp_path


def tick(instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    found = new_manifests()(context)
    assert isinstance(found, dg.SensorResult)
    return found


def test_a_new_or_changed_manifest_is_one_run(project: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(instance, None).run_requests == []
        (project / "manifests" / "My Talks.csv").write_text("source\na.mp4\n")
        first = tick(instance, None)
        assert [r.tags["dagster/partition"] for r in first.run_requests or []] == [
            instance.get_dynamic_partitions(str(MANIFESTS.name))[0]
        ]
        assert tick(instance, first.cursor).run_requests == []
        (project / "manifests" / "My Talks.csv").write_text("source\na.mp4\nb.mp4\n")
        second = tick(instance, first.cursor)
        keys = [r.run_key for r in (*(first.run_requests or []), *(second.run_requests or []))]
        assert len(keys) == 2 and len(set(keys)) == 2
        assert len(instance.get_dynamic_partitions(str(MANIFESTS.name))) == 1


def test_files_that_are_no_manifests_are_left_alone(project: Path) -> None:
    (project / "manifests" / "readme.txt").write_text("hello")
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(instance, None).run_requests == []


def test_a_catalog_is_written_again_only_when_something_changed(project: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        asked = stale_catalog()(dg.build_sensor_context(instance=instance))
        assert isinstance(asked, dg.RunRequest | dg.SkipReason)
        again = stale_catalog()(dg.build_sensor_context(instance=instance))
        assert type(asked) is type(again)
