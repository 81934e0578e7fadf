"""The event log in batches against Dagster's own: the same rows in the same tables, all of a batch or none of it."""

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sqlite3 import dbapi2
from typing import Any

import dagster as dg
import pytest
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from hour_lake.assets.events import materialization
from hour_lake.orchestration.event_log import BATCH_SIZE, EventLog

RUN = "5e1f3a52-0000-4000-8000-000000000001"
# Without what an event was given by the storage itself, or by the clock.
TABLES = {
    "event_logs": "run_id, dagster_event_type, step_key, asset_key, partition, length(event)",
    "asset_keys": "asset_key, last_run_id, last_materialization",
    "asset_event_tags": "asset_key, key, value, event_id",
}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    yield from _with_instance(tmp_path / "ours", EventLog)


def _with_instance(home: Path, kind: type[SqliteEventLogStorage]) -> Iterator[Any]:
    home.mkdir()
    overrides = {"event_log_storage": {"module": kind.__module__, "class": kind.__name__,
                                       "config": {"base_dir": str(home / "history" / "runs")}}}  # fmt: skip
    with dg.DagsterInstance.local_temp(str(home), overrides=overrides) as instance:
        assert type(instance.event_log_storage) is kind
        yield instance.event_log_storage


def _events() -> list[EventLogEntry]:
    """Planned and made, two assets over three keys, in an order in which assets alternate; and a step's start."""
    planned = [_planned(asset, key) for key in ("k0", "k1", "k2") for asset in ("first", "second")]
    made = [_made(asset, key) for key in ("k0", "k1", "k2") for asset in ("first", "second")]
    started = dg.DagsterEvent(dg.DagsterEventType.STEP_START.value, "job", step_key="toy_pass")
    return [*planned, _entry(started), *made]


def _planned(asset: str, key: str) -> EventLogEntry:
    from dagster._core.events import AssetMaterializationPlannedData

    data = AssetMaterializationPlannedData(dg.AssetKey(asset), partition=key, partitions_subset=None)
    return _entry(dg.DagsterEvent.build_asset_materialization_planned_event("job", "toy_pass", data))


def _made(asset: str, key: str) -> EventLogEntry:
    from dagster._core.events import StepMaterializationData

    made = materialization(asset, key, version=f"{asset}-{key}", code_version="1", inputs={"first": f"first-{key}"},
                           pointers={"first": {key: 7}}, metadata={"rows": 250})  # fmt: skip
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION.value
    event = dg.DagsterEvent(kind, "job", step_key="toy_pass", event_specific_data=StepMaterializationData(made))
    return _entry(event)


def _entry(event: dg.DagsterEvent) -> EventLogEntry:
    return EventLogEntry(error_info=None, level=10, user_message="", run_id=RUN, timestamp=1_700_000_000.5,
                         step_key="toy_pass", job_name="job", dagster_event=event)  # fmt: skip


def _rows(home: Path, shard: str) -> dict[str, list[Any]]:
    with sqlite3.connect(home / "history" / "runs" / f"{shard}.db") as connection:
        return {
            table: sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)  # noqa: S608
            for table, columns in TABLES.items()
        }


def test_the_same_rows_as_dagster_writes(log: EventLog, tmp_path: Path) -> None:
    events = _events()
    log.store_event_batch(events)
    for own in _with_instance(tmp_path / "theirs", SqliteEventLogStorage):
        for event in events:
            own.store_event(event)
    for shard in ("index", RUN):
        ours, theirs = _rows(tmp_path / "ours", shard), _rows(tmp_path / "theirs", shard)
        assert ours == theirs
        assert len(ours["event_logs"]) == len(events) - (shard == "index")


def test_the_same_answers(log: EventLog) -> None:
    log.store_event_batch(_events())
    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    newest = log.get_latest_storage_id_by_partition(dg.AssetKey("second"), made, {"k0", "k1", "k2"})
    assert sorted(newest) == ["k0", "k1", "k2"]
    tags = log.get_latest_tags_by_partition(dg.AssetKey("second"), made, ["dagster/data_version"])
    assert tags["k1"] == {"dagster/data_version": "second-k1"}
    latest = log.get_latest_materialization_events([dg.AssetKey("second")])[dg.AssetKey("second")]
    assert latest is not None
    assert latest.get_dagster_event().partition == "k2"


def test_questions_of_all_threads_go_over_one_connection(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.store_event_batch(_events())
    opened: list[str] = []

    def connect(path: str, *rest: Any, real: Any = dbapi2.connect, **keywords: Any) -> Any:
        opened.append(path)
        return real(path, *rest, **keywords)

    monkeypatch.setattr(dbapi2, "connect", connect)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: log.all_asset_keys(), range(40)))
    assert {tuple(sorted(key.to_user_string() for key in keys)) for keys in found} == {("first", "second")}
    assert len(opened) <= 1


def test_what_another_process_stores_is_seen(log: EventLog, tmp_path: Path) -> None:
    assert not log.all_asset_keys()
    other = EventLog(str(tmp_path / "ours" / "history" / "runs"))
    other.store_event_batch(_events())
    assert len(log.all_asset_keys()) == 2
    log.store_event_batch(_events())  # and nobody holds a lock
    assert len(other.all_asset_keys()) == 2


def test_a_batch_is_stored_whole_or_not_at_all(log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Sequence[Any], *__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(log, "_store_asset_event_tags", fails)
    with pytest.raises(OSError, match="disk full"):
        log.store_event_batch(_events())
    assert _rows(tmp_path / "ours", "index")["event_logs"] == []
    assert all("ASSET" not in row[1] for row in _rows(tmp_path / "ours", RUN)["event_logs"])


def test_a_batch_through_the_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster keeps the events of a batch back only where DAGSTER_EVENT_BATCH_SIZE is set."""
    stored: list[int] = []
    monkeypatch.setenv(BATCH_SIZE, "1000")
    monkeypatch.setattr(EventLog, "store_event_batch", lambda _, events: stored.append(len(events)))
    for log in _with_instance(tmp_path / "ours", EventLog):
        instance = log._instance  # noqa: SLF001  # the instance it was registered with
        from dagster._core.events import DagsterEventBatchMetadata

        events = _events()[:6]
        for i, event in enumerate(events):
            instance.handle_new_event(event, batch_metadata=DagsterEventBatchMetadata("b", i == len(events) - 1))
    assert stored == [6]
