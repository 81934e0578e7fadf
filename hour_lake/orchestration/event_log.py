"""Dagster's event log on one machine, with a batch of events in one transaction a database instead of three an event.

Dagster's own SQLite storage opens, commits and closes three connections for each event, some 10 ms of a core: with 45
assets that is half a second a segment, taken from the workers. It also opens one for each question, of which every step
asks some hundred before it begins (5 ms each; 2 ms where the connection stays). Same files, same tables, same rows.
What it overrides is internal to Dagster; `test_event_log.py` holds it against Dagster's own storage.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from dagster import Field, StringSource
from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, CursorResult, Engine, create_engine

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"  # Dagster's own: without it nothing is ever stored as a batch
EVENTS_AT_ONCE = 1000


class EventLog(SqliteEventLogStorage):
    """`event_log_storage` of dagster.yaml. `base_dir` is where Dagster's own lies: `$DAGSTER_HOME/history/runs`."""

    @classmethod
    def config_type(cls) -> Any:
        """The configuration in dagster.yaml."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "EventLog":
        """As Dagster makes one from dagster.yaml."""
        named = config_value.get("base_dir")
        return cls(named or str(Path(os.environ["DAGSTER_HOME"]) / "history" / "runs"), inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """All of them or none of a run; whatever is no plain event of an asset goes Dagster's own way, one by one."""
        for run_id, of_run in groupby(events, key=lambda event: event.run_id):
            of_assets: list[EventLogEntry] = []
            for event in of_run:
                if _is_of_asset(event):
                    of_assets.append(event)
                else:
                    self.store_event(event)
            if of_assets:
                self._store_of_assets(run_id, of_assets)

    def _store_of_assets(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        insert = SqlEventLogStorageTable.insert()
        newest: dict[tuple[Any, Any], tuple[EventLogEntry, int]] = {}
        # The run's database holds the lock of this storage, and commits after the index: if that fails, neither does.
        with self.run_connection(run_id) as run, self._index.begin() as index:
            run.execute(insert, rows)
            ids = [_inserted(index.execute(insert, row)) for row in rows]
            self._store_asset_event_tags(index, events, ids)
            for event, event_id in zip(events, ids, strict=True):
                told = event.get_dagster_event()
                newest[told.asset_key, told.event_type] = event, event_id
            for event, event_id in newest.values():  # only the last one stays in the table of assets
                self._store_asset_event(index, event, event_id)

    @contextmanager
    def index_connection(self) -> Generator[Connection]:
        """A transaction on the index, over the connection of the one before."""
        with self._db_lock, self._index.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        if "_index" in vars(self):
            self._index.dispose()

    @cached_property
    def _index(self) -> Engine:
        wait = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        engine = create_engine(self.conn_string_for_shard(INDEX_SHARD_NAME), connect_args=wait)
        self._initdb(engine, for_index_shard=True)
        return engine


def _inserted(result: CursorResult[Any]) -> int:
    key = result.inserted_primary_key
    assert key is not None  # the table counts its rows
    return int(key[0])


def _is_of_asset(event: EventLogEntry) -> bool:
    return event.dagster_event_type in ASSET_EVENTS and event.get_dagster_event().asset_key is not None
