"""`connect`: DuckDB over one commit, a view for each table of the lake and `facts`."""

import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hour_lake.catalog.declared import declared_layers, explain_facts
from hour_lake.catalog.facts import MACROS, facts_digest, facts_script, segment_script
from hour_lake.catalog.fresh import fresh_of
from hour_lake.catalog.remote import connection_for
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import sources_of
from hour_lake.catalog.views import SCHEMA, manifest_script, table_script
from hour_lake.errors import LakeError
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer
from hour_lake.settings import Settings

if TYPE_CHECKING:
    import duckdb


def connect(
    ref: str | None = None, *, lake: Lake | str | Path | None = None, layers: Mapping[str, Layer] | None = None
) -> "duckdb.DuckDBPyConnection":
    """A connection in memory with all views, pinned to the commit that `ref` names now for as long as it lives.

    `connect().sql("select segment_id, blink.blinks_per_minute from facts where luminance.mean > 60")`

    What is left out comes from the settings in force: the lake, its branch, the layers. `pinned_commit` tells the
    commit. The connection is yours and may do anything; for SQL by others there is `run_query`.
    """
    if lake is None or ref is None:
        from hour_lake.lake.open import open_lake_of

        settings = Settings.load()
        lake, ref = lake or open_lake_of(settings), ref or settings.branch
    opened = open_at(lake)
    with ExitStack() as stack:
        snapshot = Snapshot(opened, stack.enter_context(opened.pinned(ref)))
        connection = connect_to(snapshot, declared_layers(Settings.load()) if layers is None else layers)
        # Relations and cursors keep their connection alive, so the commit is held for as long as one is there.
        weakref.finalize(connection, stack.pop_all().close)
    return connection


def connect_to(snapshot: Snapshot, layers: Mapping[str, Layer]) -> "duckdb.DuckDBPyConnection":
    """The same over a snapshot that is there already."""
    import duckdb

    connection = connection_for(snapshot.lake)
    try:
        for statement in script_of(snapshot, layers):
            connection.execute(statement)
    except duckdb.Error as error:
        connection.close()
        explain_facts(layers)
        raise LakeError("INTEGRITY", "the views of this commit cannot be made", value=str(error).splitlines()[0],
                        fix="restore the object from a copy, or write it again") from error  # fmt: skip
    return connection


def pinned_commit(connection: "duckdb.DuckDBPyConnection") -> str:
    """The commit that a connection's views show."""
    row = connection.execute(f"SELECT commit_id FROM {SCHEMA}.pinned").fetchone()
    if row is None:
        raise ValueError("not a connection made by `connect`")
    return str(row[0])


def script_of(snapshot: Snapshot, layers: Mapping[str, Layer], wanted: frozenset[str] | None = None) -> list[str]:
    """The statements that make the views; only those for the tables in `wanted`, if given."""
    sources = sources_of(layers, snapshot.layer_names())
    names = {source.name for source in sources} | {"manifests", "segments", "facts"}
    wanted = frozenset(names) if wanted is None or "facts" in wanted else wanted
    facts = "facts" in wanted
    fresh = fresh_of(snapshot, layers if facts else {}, {name: facts_digest(layer) for name, layer in layers.items()})
    return [
        f"CREATE SCHEMA {SCHEMA}",
        f"CREATE TABLE {SCHEMA}.pinned AS SELECT '{snapshot.commit_id}' AS commit_id",
        *MACROS,
        *table_script(snapshot, [source for source in sources if source.name in wanted]),
        *(manifest_script(snapshot) if "manifests" in wanted else ()),
        *(segment_script(snapshot, fresh) if "segments" in wanted else ()),
        *(facts_script(snapshot, layers, fresh) if facts else ()),
    ]


def table_names(snapshot: Snapshot, layers: Mapping[str, Layer]) -> frozenset[str]:
    """Names of all views."""
    sources = sources_of(layers, snapshot.layer_names())
    return frozenset({*(source.name for source in sources), "manifests", "segments", "facts"})


def open_at(lake: Lake | str | Path) -> Lake:
    """A lake, or the one at an address."""
    if not isinstance(lake, str | Path):
        return lake
    from hour_lake.lake.open import open_lake

    return open_lake(lake)
