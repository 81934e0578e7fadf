"""Facts: one row a segment, one struct column a layer, each field an SQL aggregate that the layer declares."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from hour_lake.catalog.fresh import Fresh
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import (
    FLAGS,
    PERSON,
    SEGMENT_COLUMNS,
    Source,
    layer_source,
    list_of,
    literal,
    quoted,
    rows_sql,
    sql_type,
)
from hour_lake.catalog.views import SCHEMA, as_declared, rows_of_entries
from hour_lake.passes.declare import Layer

# How often a flag turns true in the order of rows; a missing value ends a run. 0 1 1 0 1 -> 2
MACROS = (
    "CREATE MACRO count_starts(place, flag) AS "
    "len(regexp_extract_all(string_agg(CASE WHEN flag THEN '1' ELSE '0' END, '' ORDER BY place), '1+'))",
)


def facts_sql(layer: Layer, rows: str) -> str:
    """A SELECT of (segment_id, struct) from `rows`, a SELECT of the layer's columns and `_row`.

    `duration_seconds` and `count_starts(flag)` are bound. Every struct has `rows`, how many rows the table has.
    """
    fields = ", ".join(f"{quoted(name)} := {_bound(sql)}" for name, sql in _fields(layer).items())
    return (
        f"SELECT segment_id, struct_pack({fields}) AS {quoted(layer.name)} "
        f"FROM ({rows}) JOIN {SCHEMA}.durations USING (segment_id) GROUP BY segment_id, duration_seconds"
    )


def facts_digest(layer: Layer) -> str:
    """Another one when the facts would be others, or of another kind: compacted facts are then computed anew."""
    fields = sorted(_fields(layer).items())
    return hashlib.sha256(repr(fields + _no_numbers(layer)).encode()).hexdigest()[:16]


def _no_numbers(layer: Layer) -> list[tuple[str, str]]:
    """The columns that its facts name and that are lists or text: `first(mean)` of one is no number."""
    named = {word for sql in layer.facts.values() for word in re.findall(r"\w+", sql)}
    kinds = {name: sql_type(kind) for name, kind in layer.columns.items() if name in named}
    return sorted((name, kind) for name, kind in kinds.items() if kind.endswith(("[]", "VARCHAR")))


def facts_script(snapshot: Snapshot, layers: Mapping[str, Layer], fresh: Fresh) -> list[str]:
    """Statements that end in the view `facts`; `segments` and the tables of `table_script` must be there.

    Rows of the compacted facts table are taken as they are; rows of segments that something was written for since are
    put together now, a struct at a time: computed anew where the layer was written, else from the compacted row.
    """
    script = [_fresh_layer(snapshot, layer, fresh) for layer in layers.values()]
    script.append(_fresh_flags(snapshot, fresh))
    script += [_segment_ids(f"_changed_{name}", w.segments if w else ()) for name, w in fresh.changed.items()]
    script.append(_segment_ids("stale", fresh.stale or ()))
    script.append(f"CREATE TABLE {SCHEMA}.fresh_facts AS {_fresh_rows(snapshot, layers, fresh)}")
    script.append(f"CREATE VIEW {SCHEMA}.core AS {_core(snapshot, layers, fresh)}")
    script.append(f"CREATE VIEW facts AS {_with_context()}")
    return script


def segment_script(snapshot: Snapshot, fresh: Fresh) -> list[str]:
    """The view `segments`: one row a clip; its bounds are in its name."""
    parts = [f"SELECT * FROM {SCHEMA}.new_segments"]
    if snapshot.facts_entry:
        base = f"SELECT {', '.join(SEGMENT_COLUMNS)} FROM {_base(snapshot)}"
        parts.append(f"{base} ANTI JOIN {SCHEMA}.moved_segments USING (segment_id)")
    return [
        f"CREATE TABLE {SCHEMA}.new_segments AS {rows_sql(fresh.new_segments, SEGMENT_COLUMNS)}",
        _segment_ids("moved_segments", fresh.moved_segments),
        f"CREATE VIEW segments AS {' UNION ALL '.join(parts)}",
        f"CREATE VIEW {SCHEMA}.durations AS SELECT segment_id, duration_seconds FROM segments",
    ]


def _fields(layer: Layer) -> dict[str, str]:
    return {"rows": "count(*)", **layer.facts}


def _bound(sql: str) -> str:
    return re.sub(r"\bcount_starts\s*\(", "count_starts(_row, ", sql)


def _fresh_layer(snapshot: Snapshot, layer: Layer, fresh: Fresh) -> str:
    source = layer_source(layer)
    rows = as_declared(source.columns, _fresh_table(snapshot, source, fresh))
    return f"CREATE TABLE {SCHEMA}.{quoted('_fresh_' + layer.name)} AS {facts_sql(layer, rows)}"


def _fresh_table(snapshot: Snapshot, source: Source, fresh: Fresh) -> str:
    written = fresh.changed[source.name]
    if written is None:
        return f"SELECT * FROM {SCHEMA}.{quoted(source.name)}"
    return rows_of_entries(snapshot, source, written.entries)


def _fresh_flags(snapshot: Snapshot, fresh: Fresh) -> str:
    rows = _fresh_table(snapshot, FLAGS, fresh)
    # true: passed all; false: failed one; NULL: not known, because a gate's layer is missing.
    verdict = "CASE WHEN bool_or(NOT passed) THEN false WHEN bool_or(passed IS NULL) THEN NULL ELSE true END"
    gates = "".join(f", {quoted(g)} := bool_and(passed) FILTER (gate = {literal(g)})" for g in fresh.gate_counts)
    return (
        f"CREATE TABLE {SCHEMA}._fresh_flags AS SELECT segment_id, struct_pack(passed := {verdict}{gates}) AS flags "
        f"FROM ({rows}) GROUP BY segment_id"
    )


def _fresh_rows(snapshot: Snapshot, layers: Mapping[str, Layer], fresh: Fresh) -> str:
    names = [*layers, "flags"]
    wanted = "segments" if fresh.stale is None else f"(FROM segments SEMI JOIN {SCHEMA}.stale USING (segment_id))"
    joins = f" LEFT JOIN ({_together(names)}) AS fresh USING (segment_id)"
    if snapshot.facts_entry:
        joins += f" LEFT JOIN {_base(snapshot)} AS base USING (segment_id)"
    structs = ", ".join(f"{_choice(snapshot, name, fresh)} AS {quoted(name)}" for name in names)
    return f"SELECT s.*, {structs} FROM {wanted} AS s{joins}"


def _together(names: Sequence[str]) -> str:
    """One row a segment: the fresh struct of each layer, and whether it is one (`_has_...`).

    Put together by one aggregate: a join for every layer would take memory for every layer, all at once.
    """
    parts = [f"SELECT segment_id, {quoted(n)} FROM {SCHEMA}.{quoted('_fresh_' + n)}" for n in names]
    there = [(quoted(f"_has_{n}"), quoted(f"_changed_{n}")) for n in names]
    parts += [f"SELECT segment_id, true AS {has} FROM {SCHEMA}.{changed}" for has, changed in there]
    columns = ", ".join(f"any_value({quoted(c)}) AS {quoted(c)}" for n in names for c in (n, f"_has_{n}"))
    return f"SELECT segment_id, {columns} FROM ({' UNION ALL BY NAME '.join(parts)}) GROUP BY segment_id"


def _choice(snapshot: Snapshot, name: str, fresh: Fresh) -> str:
    new, old = f"fresh.{quoted(name)}", f"base.{quoted(name)}"
    if snapshot.facts_entry is None or fresh.changed[name] is None:
        return new
    return f"CASE WHEN fresh.{quoted('_has_' + name)} THEN {new} ELSE {old} END"


def _core(snapshot: Snapshot, layers: Mapping[str, Layer], fresh: Fresh) -> str:
    fresh_rows = f"SELECT * FROM {SCHEMA}.fresh_facts"
    if snapshot.facts_entry is None or fresh.stale is None:
        return fresh_rows
    columns = ", ".join(quoted(name) for name in (*SEGMENT_COLUMNS, *layers, "flags"))
    return (
        f"{fresh_rows} UNION ALL BY NAME "
        f"SELECT {columns} FROM {_base(snapshot)} ANTI JOIN {SCHEMA}.stale USING (segment_id)"
    )


def _with_context() -> str:
    """What is known of the video and from the manifest; of several manifests the last name says."""
    person = ", ".join(PERSON)
    return (
        f"SELECT core.*, {person}, video, manifest FROM {SCHEMA}.core "
        "LEFT JOIN (SELECT video_id, struct_pack(*COLUMNS(* EXCLUDE (video_id))) AS video FROM videos) "
        "USING (video_id) "
        f"LEFT JOIN (SELECT video_id, {person}, struct_pack(*COLUMNS(* EXCLUDE (video_id, {person}))) AS manifest "
        "FROM (FROM manifests QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY manifest_name DESC) = 1)) "
        "USING (video_id)"
    )


def _base(snapshot: Snapshot) -> str:
    if snapshot.facts_entry is None:
        raise ValueError("there is no compacted facts table")
    return f"read_parquet({list_of([snapshot.lake.location(snapshot.commit_id, snapshot.facts_entry)])})"


def _segment_ids(name: str, ids: Sequence[str] | frozenset[str]) -> str:
    rows = [{"segment_id": segment_id} for segment_id in sorted(ids)]
    return f"CREATE TABLE {SCHEMA}.{quoted(name)} AS {rows_sql(rows, {'segment_id': 'VARCHAR'})}"
