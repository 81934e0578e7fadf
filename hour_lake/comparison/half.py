"""One side of a comparison: its facts and the verdicts of the gates in force, written flat to Parquet.

Verdicts come from the facts, never from the stored flags: flags lag behind when a layer was made anew and
`cleaning_flags` was not, and a gate that was edited since has stored none. `flags` in a dataset's `where` is answered
from the same verdicts.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hour_lake.catalog.connect import connect_to
from hour_lake.catalog.gates import Gate, verdict_sql
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.catalog.sources import literal, quoted
from hour_lake.comparison.answer import Kind
from hour_lake.errors import ConfigError
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY_LIMIT = "2GiB"  # beyond it DuckDB writes to the scratch folder
# NaN is no value; a comparison would call it different from itself.
FLAT = {"number": "CASE WHEN isnan({0}::DOUBLE) THEN NULL ELSE {0}::DOUBLE END", "flag": "{0}", "text": "{0}"}


@dataclass(frozen=True)
class Fact:
    """A fact that can be compared: one value a segment."""

    layer: str
    name: str
    kind: Kind

    @property
    def column(self) -> str:
        """Its column in the flat table, as an SQL identifier."""
        return quoted(f"{self.layer}.{self.name}")


@contextmanager
def half(
    lake: Lake, commit: str, *, layers: Mapping[str, Layer], gates: Sequence[Gate], scratch: Path
) -> Generator["duckdb.DuckDBPyConnection"]:
    """A connection with the catalog's views of one commit, and `verdicts` and `judged` (facts with their own flags)."""
    import duckdb

    with connect_to(Snapshot(lake, commit), layers) as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET temp_directory = {literal(str(scratch))}")
        connection.execute("CREATE TABLE verdicts (segment_id VARCHAR, gate VARCHAR, value DOUBLE, passed BOOLEAN, "
                           "reason VARCHAR)")  # fmt: skip
        for gate in gates:
            try:
                connection.execute(f"INSERT INTO verdicts {verdict_sql(gate, layers)}")
            except duckdb.Error as error:
                raise ConfigError(
                    "CONFIG_GATE", f"the gate {gate.name} cannot be asked of the facts", value=gate.predicate,
                    where=gate.name, fix=str(error).splitlines()[0],
                ) from error  # fmt: skip
        connection.execute(_judged(gates))
        yield connection


def comparable(connection: "duckdb.DuckDBPyConnection", layers: Sequence[str]) -> list[Fact]:
    """The scalar facts of some layers, in the order in which they are declared; lists are passed over."""
    if not layers:
        return []
    schema = connection.execute(f"SELECT {', '.join(map(quoted, layers))} FROM facts LIMIT 0").to_arrow_table().schema
    found: list[Fact] = []
    for layer, struct in zip(layers, schema, strict=True):
        found += [Fact(layer, field.name, kind) for field in struct.type if (kind := _kind_of(field.type))]
    return found


def write(connection: "duckdb.DuckDBPyConnection", facts: Sequence[Fact], folder: Path, side: str) -> None:
    """`<side>_facts.parquet`, a column a fact, and `<side>_verdicts.parquet`."""
    columns = ["segment_id", *(f"{_flat(fact)} AS {fact.column}" for fact in facts)]
    for name, query in (
        ("facts", f"SELECT {', '.join(columns)} FROM facts"),
        ("verdicts", "FROM verdicts"),
    ):
        target = literal(str(folder / f"{side}_{name}.parquet"))
        connection.execute(f"COPY ({query}) TO {target} (FORMAT parquet)")


def _flat(fact: Fact) -> str:
    return FLAT[fact.kind].format(f"{quoted(fact.layer)}.{quoted(fact.name)}")


def _kind_of(kind: "pa.DataType") -> Kind | None:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    return "text" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else None


def _judged(gates: Sequence[Gate]) -> str:
    fields = "".join(
        f", {quoted(g.name)} := bool_and(passed) FILTER (gate = {literal(g.name)})" for g in gates
    )  # fmt: skip
    verdict = "CASE WHEN bool_or(NOT passed) THEN false WHEN bool_or(passed IS NULL) THEN NULL ELSE true END"
    return (
        "CREATE VIEW judged AS SELECT facts.* EXCLUDE (flags), own.flags FROM facts LEFT JOIN "
        f"(SELECT segment_id, struct_pack(passed := {verdict}{fields}) AS flags FROM verdicts GROUP BY segment_id) "
        "AS own USING (segment_id)"
    )
