"""How far a fact's distribution moved between two commits, and which segments moved most; SQL does the arithmetic.

`shift`, 0 to 1, says how much of the distribution is elsewhere, whatever its unit:

- numbers: the two-sample Kolmogorov-Smirnov statistic, the largest gap between the two cumulative distributions
  (N. Smirnov, "Table for estimating the goodness of fit of empirical distributions", 1948). A missing value counts as
  lying below all others, so that values which vanish are a shift too.
- flags and texts: the total variation distance, half the sum of the differences of shares; missing is one more value.

`distance`, numbers only, says how far it moved: the Wasserstein-1 distance (the area between the two cumulative
distributions, in the fact's unit) over the pooled standard deviation, a distribution's counterpart of Cohen's d
(J. Cohen, "Statistical Power Analysis", 1988: 0.2 is small, 0.5 medium, 0.8 large).

Both describe; neither is a test: the two sides are the same segments, not two independent samples.

    cumulative 1 |        __/‾‾        old /, new _
                 |   __/‾_/‾           shift: the largest gap between them, measured upwards
                 | _/__/               distance: the area between them, in standard deviations
                 +-------------- value
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hour_lake.comparison.answer import Distribution, FactShift, Histogram, Move
from hour_lake.comparison.half import Fact

if TYPE_CHECKING:
    import duckdb

MOVED = 10
SHARES = 12
FEWEST_BINS, MOST_BINS = 10, 30
SIDES = ("before", "after")
BOTH = "SELECT 0 AS side, {0} AS x FROM before_facts UNION ALL SELECT 1, {0} FROM after_facts"
PAIRS = "SELECT segment_id, b.{0} AS old, a.{0} AS new FROM before_facts AS b JOIN after_facts AS a USING (segment_id)"


def fact_shifts(connection: "duckdb.DuckDBPyConnection", facts: Sequence[Fact]) -> list[FactShift]:
    """Those of the facts that differ, the largest shift first; `before_facts` and `after_facts` must be there."""
    changed = _changed(connection, facts)
    moved = [fact for fact in facts if changed[fact]]
    found = [_shift_of(connection, fact, changed[fact]) for fact in moved]
    found += [
        shift for fact in facts if not changed[fact] and (shift := _shift_of(connection, fact, 0)).shift > 0
    ]  # fmt: skip
    return sorted(found, key=lambda s: (-s.shift, -(s.distance or 0.0), s.fact))


def _changed(connection: "duckdb.DuckDBPyConnection", facts: Sequence[Fact]) -> Mapping[Fact, int]:
    """How many segments of both sides have another value, of all facts in one go."""
    if not facts:
        return {}
    counts = ", ".join(f"count(*) FILTER (a.{f.column} IS DISTINCT FROM b.{f.column})" for f in facts)
    row = _row(connection, f"SELECT {counts} FROM before_facts AS b JOIN after_facts AS a USING (segment_id)")
    return dict(zip(facts, row, strict=True))


def _shift_of(connection: "duckdb.DuckDBPyConnection", fact: Fact, changed: int) -> FactShift:
    if fact.kind == "number":
        before, after = (_numbers(connection, fact, side) for side in SIDES)
        shift, distance = _gap_and_distance(connection, fact, before, after)
        histogram = _histogram(connection, fact)
    else:
        before, after = (_shares(connection, fact, side) for side in SIDES)
        shift, distance, histogram = _variation(connection, fact, before, after), None, None
    moved = _moved(connection, fact) if changed else []
    return FactShift(fact.layer, fact.name, fact.kind, before, after, changed, shift, distance, moved, histogram)


def _numbers(connection: "duckdb.DuckDBPyConnection", fact: Fact, side: str) -> Distribution:
    segments, missing, mean, deviation, p5, median, p95 = _row(
        connection,
        "SELECT count(*), count(*) - count(x), avg(x) FILTER (isfinite(x)), stddev_pop(x) FILTER (isfinite(x)), "
        f"quantile_cont(x, 0.05), quantile_cont(x, 0.5), quantile_cont(x, 0.95) "
        f"FROM (SELECT {fact.column} AS x FROM {side}_facts)",
    )
    return Distribution(segments, missing, mean, deviation, p5, median, p95)


def _shares(connection: "duckdb.DuckDBPyConnection", fact: Fact, side: str) -> Distribution:
    segments, missing = _row(connection, f"SELECT count(*), count(*) - count({fact.column}) FROM {side}_facts")
    rows = connection.execute(
        f"SELECT {fact.column}::VARCHAR AS x, count(*) AS n FROM {side}_facts WHERE x IS NOT NULL "
        f"GROUP BY x ORDER BY n DESC, x LIMIT {SHARES}"
    ).fetchall()
    return Distribution(segments, missing, shares={value: count / segments for value, count in rows})


def _gap_and_distance(
    connection: "duckdb.DuckDBPyConnection", fact: Fact, before: Distribution, after: Distribution
) -> tuple[float, float | None]:
    """`shift` and `distance` of numbers, from one walk up both cumulative distributions.

    Counts are summed, not shares, so that equal distributions give exactly 0. `low_*` are the missing values and the
    infinite ones below: they lie under the finite part, which alone has an area.
    """
    n, m = max(1, before.segments), max(1, after.segments)
    gap, area = _row(
        connection,
        f"WITH steps AS (SELECT x, count(*) FILTER (side = 0) AS o, count(*) FILTER (side = 1) AS n "
        f"FROM ({BOTH.format(fact.column)}) GROUP BY x), "
        "whole AS (SELECT sum(o) FILTER (isfinite(x)) AS o, sum(n) FILTER (isfinite(x)) AS n, "
        "coalesce(sum(o) FILTER (x IS NULL OR x = '-inf'), 0) AS low_o, "
        "coalesce(sum(n) FILTER (x IS NULL OR x = '-inf'), 0) AS low_n FROM steps), "
        "rising AS (SELECT x, lead(x) OVER upto AS next, sum(o) OVER upto AS f, sum(n) OVER upto AS g FROM steps "
        "WINDOW upto AS (ORDER BY x NULLS FIRST)) "
        f"SELECT max(abs(f * {m} - g * {n})), sum((next - x) * abs((f - low_o) / whole.o - (g - low_n) / whole.n)) "
        "FILTER (isfinite(x) AND isfinite(next)) FROM rising, whole",
    )
    shift = float(gap or 0) / (n * m)
    if before.mean is None or after.mean is None:
        return shift, None
    if not area:
        return shift, 0.0
    pooled = math.sqrt(((before.deviation or 0.0) ** 2 + (after.deviation or 0.0) ** 2) / 2)
    return shift, float(area) / pooled if pooled else None


def _variation(connection: "duckdb.DuckDBPyConnection", fact: Fact, before: Distribution, after: Distribution) -> float:
    if bool(before.segments) != bool(after.segments):
        return 1.0
    n, m = max(1, before.segments), max(1, after.segments)
    (twice,) = _row(
        connection,
        f"SELECT sum(abs(o * {m} - n * {n})) FROM (SELECT count(*) FILTER (side = 0) AS o, "
        f"count(*) FILTER (side = 1) AS n FROM ({BOTH.format(fact.column)}) GROUP BY x)",
    )
    return float(twice or 0) / (2 * n * m)


def _moved(connection: "duckdb.DuckDBPyConnection", fact: Fact) -> list[Move]:
    delta = "new - old" if fact.kind == "number" else "NULL::DOUBLE"
    rows = connection.execute(
        f"SELECT segment_id, old, new, {delta} AS delta FROM ({PAIRS.format(fact.column)}) "
        f"WHERE old IS DISTINCT FROM new ORDER BY abs(delta) DESC NULLS LAST, segment_id LIMIT {MOVED}"
    ).fetchall()
    return [Move(*row) for row in rows]


def _histogram(connection: "duckdb.DuckDBPyConnection", fact: Fact) -> Histogram | None:
    """Bins over the middle 98 % of both sides together, so that one stray value does not flatten the rest.

    As many as Rice's rule says, twice the cube root of the number of values.
    """
    low, high, least, most, values = _row(
        connection,
        "SELECT quantile_cont(x, 0.01), quantile_cont(x, 0.99), min(x), max(x), count(x) / 2 "
        f"FROM ({BOTH.format(fact.column)}) WHERE isfinite(x)",
    )
    if low is None:
        return None
    if high <= low:
        low, high = low - 0.5, high + 0.5
    bins = min(MOST_BINS, max(FEWEST_BINS, round(2 * values ** (1 / 3))))
    width = (high - low) / bins
    rows = connection.execute(
        f"SELECT side, greatest(0, least({bins - 1}, floor((x - $1) / $2)))::INTEGER AS bin, count(*) "
        f"FROM ({BOTH.format(fact.column)}) WHERE x IS NOT NULL GROUP BY ALL",
        [low, width],
    ).fetchall()
    counts = [[0] * bins, [0] * bins]
    for side, position, count in rows:
        counts[side][position] = count
    edges = [low + i * width for i in range(bins + 1)]
    return Histogram(edges, counts[0], counts[1], below=least < low, above=most > high)


def _row(connection: "duckdb.DuckDBPyConnection", query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None  # an aggregate has a row
    return row
