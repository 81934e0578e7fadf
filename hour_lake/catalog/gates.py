"""Gates: rules over facts, a value and a verdict per segment; nothing is deleted by them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from hour_lake.catalog.batch import batch_facts
from hour_lake.catalog.buckets import parquet_bytes
from hour_lake.catalog.expression import columns_of
from hour_lake.catalog.sources import RESERVED, literal, quoted
from hour_lake.errors import ConfigError, shown
from hour_lake.identity import Segment
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import NAME, Layer
from hour_lake.yaml_text import mapping_from_yaml

DEFAULT = Path(__file__).parent / "gates.yaml"
KEYS = ("name", "predicate", "value", "reason", "source")
FLAGS_SCHEMA = pa.schema(
    [("segment_id", pa.string()), ("gate", pa.string()), ("value", pa.float64()), ("passed", pa.bool_()),
     ("reason", pa.string())]
)  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """One rule. `predicate` and `value` are SQL over a row of facts; `reason` is for a segment that does not pass."""

    name: str
    predicate: str
    value: str
    reason: str
    source: str

    @cached_property
    def columns(self) -> set[tuple[str, ...]]:
        """What it refers to."""
        return columns_of(self.predicate) | columns_of(self.value)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers whose facts it needs."""
        return tuple(sorted({column[0] for column in self.columns} - RESERVED))


@dataclass(frozen=True)
class Verdict:
    """What all gates say of one segment: the Parquet bytes to keep, and the same in short.

    `passed` is None when no gate failed but one could not say, because a layer is missing.
    """

    data: bytes
    passed: bool | None
    failed: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]


def load_gates(path: Path | None = None) -> Sequence[Gate]:
    """The gates of a file, the default ones without a path; ConfigError says which gate is wrong."""
    path = path or DEFAULT
    if not path.is_file():
        raise ConfigError(
            "CONFIG_MISSING", "no such file of gates", value=str(path), fix="correct `gates` in the settings"
        )
    found = mapping_from_yaml(path.read_bytes(), where=str(path)).get("gates")
    if not isinstance(found, list) or not found:
        raise ConfigError("CONFIG_TYPE", "`gates` must be a list", value=shown(found), where=str(path))
    gates = [_gate(raw, f"{path}, gate {i + 1}") for i, raw in enumerate(found)]
    twice = {gate.name for gate in gates if [g.name for g in gates].count(gate.name) > 1}
    if twice:
        raise ConfigError("CONFIG_TYPE", "two gates of one name", value=", ".join(sorted(twice)), where=str(path))
    return gates


def flags_of(
    lake: Lake, ref: str, segments: Sequence[Segment], *, gates: Sequence[Gate], layers: Mapping[str, Layer]
) -> dict[str, Verdict]:
    """The verdicts of a batch of segments, by segment id, over the facts of one commit."""
    names = {name for gate in gates for name in gate.layers}
    with batch_facts(lake, ref, segments, {n: layer for n, layer in layers.items() if n in names}) as connection:
        import duckdb

        rows: dict[str, list[dict[str, Any]]] = {segment.id: [] for segment in segments}
        for gate in gates:
            try:
                found = connection.execute(verdict_sql(gate, layers)).fetchall()
            except duckdb.Error as error:
                raise ConfigError(
                    "CONFIG_GATE", f"the gate {gate.name} cannot be asked of the facts", value=gate.predicate,
                    where=gate.name, fix=str(error).splitlines()[0],
                ) from error  # fmt: skip
            for row in found:
                rows[row[0]].append(dict(zip(FLAGS_SCHEMA.names, row, strict=True)))
    return {segment_id: _verdict(found) for segment_id, found in rows.items()}


def verdict_sql(gate: Gate, layers: Mapping[str, Layer]) -> str:
    """A SELECT over the view `facts` of one gate's rows: the columns of `FLAGS_SCHEMA`, in the order of segment ids."""
    unknown = [name for name in gate.layers if name not in layers]
    value, predicate = ("NULL", "NULL") if unknown else (gate.value, gate.predicate)
    missing = "".join(f" WHEN {quoted(n)} IS NULL THEN {literal('missing: ' + n)}" for n in gate.layers if n in layers)
    missing += "".join(f" WHEN true THEN {literal('missing: ' + n)}" for n in unknown)
    undecided = literal("not known: " + re.sub(r"\s+", " ", gate.value))
    return (
        f"SELECT segment_id, {literal(gate.name)}, ({value}\n)::DOUBLE, ({predicate}\n)::BOOLEAN AS verdict, "
        f"CASE WHEN verdict THEN NULL WHEN NOT verdict THEN {literal(gate.reason)}{missing} ELSE {undecided} END "
        "FROM facts ORDER BY segment_id"
    )


def _gate(raw: Any, where: str) -> Gate:
    if not isinstance(raw, dict) or not all(isinstance(raw.get(key), str) for key in KEYS):
        raise ConfigError("CONFIG_TYPE", f"a gate needs the texts {', '.join(KEYS)}", value=shown(raw), where=where)
    unknown = set(raw) - set(KEYS)
    if unknown:
        raise ConfigError(
            "CONFIG_UNKNOWN_KEY", "a gate has no such key", value=", ".join(map(str, unknown)), where=where
        )
    gate = Gate(**raw)
    if not NAME.fullmatch(gate.name) or gate.name == "passed":
        raise ConfigError("CONFIG_TYPE", f"a gate's name must match {NAME.pattern}", value=gate.name, where=where)
    try:
        _ = gate.columns
    except ValueError as error:
        raise ConfigError("CONFIG_GATE", f"the gate {gate.name} is not SQL over one row", value=shown(raw), where=where,
                          fix=str(error)) from error  # fmt: skip
    return gate


def _verdict(rows: Sequence[dict[str, Any]]) -> Verdict:
    failed = tuple(row["gate"] for row in rows if row["passed"] is False)
    passed = False if failed else None if any(row["passed"] is None for row in rows) else True
    return Verdict(parquet_bytes(pa.Table.from_pylist(list(rows), schema=FLAGS_SCHEMA)), passed, failed, rows)
