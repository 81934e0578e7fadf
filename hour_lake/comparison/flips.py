"""Which segments a gate judges differently on the two sides, and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hour_lake.catalog.gates import Gate
from hour_lake.comparison.answer import Flip, GateFlips, Verdicts

if TYPE_CHECKING:
    import duckdb

NAMED = 1000
PAIRS = """
    SELECT gate, segment_id, b.passed AS old, a.passed AS new, b.value AS old_value, a.value AS new_value,
           CASE WHEN a.passed THEN b.reason ELSE a.reason END AS why
    FROM before_verdicts AS b JOIN after_verdicts AS a USING (segment_id, gate) WHERE old IS DISTINCT FROM new"""


def gate_flips(connection: "duckdb.DuckDBPyConnection", gates: Sequence[Gate]) -> list[GateFlips]:
    """Every gate in force, in its own order; a segment flips when both sides have it and say another thing of it."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE flips AS {PAIRS}")
    return [_of(connection, gate) for gate in gates]


def segments_flipped(connection: "duckdb.DuckDBPyConnection") -> int:
    """Segments that at least one gate judges differently; after `gate_flips`."""
    row = connection.execute("SELECT count(DISTINCT segment_id) FROM flips").fetchone()
    return row[0] if row else 0


def _of(connection: "duckdb.DuckDBPyConnection", gate: Gate) -> GateFlips:
    before, after = (_verdicts(connection, gate, side) for side in ("before", "after"))
    counts = connection.execute(
        "SELECT count(*) FILTER (new = false), count(*) FILTER (new), count(*) FILTER (new IS NULL) "
        "FROM flips WHERE gate = ?", [gate.name],
    ).fetchone()  # fmt: skip
    rows = connection.execute(
        "SELECT segment_id, old, new, old_value, new_value, why FROM flips WHERE gate = ? "
        "ORDER BY new NULLS FIRST, segment_id LIMIT ?", [gate.name, NAMED],
    ).fetchall()  # fmt: skip
    to_flagged, to_passed, to_unknown = counts or (0, 0, 0)
    return GateFlips(gate.name, gate.predicate, before, after, to_flagged, to_passed, to_unknown,
                     [Flip(*row) for row in rows])  # fmt: skip


def _verdicts(connection: "duckdb.DuckDBPyConnection", gate: Gate, side: str) -> Verdicts:
    row = connection.execute(
        "SELECT count(*) FILTER (passed), count(*) FILTER (NOT passed), count(*) FILTER (passed IS NULL) "
        f"FROM {side}_verdicts WHERE gate = ?", [gate.name],
    ).fetchone()  # fmt: skip
    return Verdicts(*(row or (0, 0, 0)))
