"""`run_query`: a user's SQL over one commit, in a locked process with limits; the answer says which commit it is of."""

import io
import json
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from hour_lake.catalog.connect import open_at, script_of, table_names
from hour_lake.catalog.declared import declared_layers, explain_facts
from hour_lake.catalog.locked_pipe import Pipe, TooLong, TooMuch, start, stop
from hour_lake.catalog.remote import access_script
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.errors import LakeError, QueryError
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer
from hour_lake.settings import Settings

TEXT = re.compile(r"'((?:[^']|'')*)'")
READ = re.compile(rf"read_parquet\(\[((?:{TEXT.pattern}(?:, )?)*)\]")


@dataclass(frozen=True)
class QueryLimits:
    """What a query may cost. A bomb must end within 5 s, so 3.5 s are for the query itself; making
    the views may take longer where much was written since the last compaction."""

    wall_seconds: float = 3.5
    setup_seconds: float = 120.0
    memory_mib: int = 1024
    threads: int = 2
    rows: int = 1_000_000
    answer_mib: int = 256


@dataclass(frozen=True)
class Answer:
    """Rows of one commit."""

    table: Any  # pyarrow.Table
    commit_id: str

    @property
    def columns(self) -> list[str]:
        """Names, in order; a name may come twice."""
        return list(self.table.column_names)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """Plain Python values."""
        columns = [[_plain(value) for value in column.to_pylist()] for column in self.table.columns]
        return list(zip(*columns, strict=True))


def run_query(
    sql: str,
    *,
    lake: Lake | str | Path,
    ref: str,
    layers: Mapping[str, Layer] | None = None,
    limits: QueryLimits | None = None,
) -> Answer:
    """Answer one SELECT. QUERY_NOT_ALLOWED, QUERY_FORBIDDEN, QUERY_LIMIT, QUERY_INVALID, REF_NOT_FOUND.

    `run_query("select count(*) from facts", lake=".hour_lake/lake", ref="main").rows == [(35,)]`
    """
    limits = limits or QueryLimits()
    declared = declared_layers(Settings.load()) if layers is None else layers
    opened = open_at(lake)
    with opened.pinned(ref) as commit_id:
        return _answered(sql, Snapshot(opened, commit_id), declared, limits)


def _answered(sql: str, snapshot: Snapshot, declared: Mapping[str, Layer], limits: QueryLimits) -> Answer:
    wanted = _tables_in(sql, table_names(snapshot, declared))
    setup = script_of(snapshot, declared, wanted)
    request = {
        "sql": sql, "access": access_script(snapshot.lake.s3()), "setup": setup, "paths": _paths_in(setup),
        "memory_mib": limits.memory_mib, "threads": limits.threads, "rows": limits.rows,
        "cpu_seconds": (limits.wall_seconds + limits.setup_seconds) * limits.threads + 1,
    }  # fmt: skip
    try:
        return Answer(_ask(request, sql, limits), snapshot.commit_id)
    except LakeError:
        explain_facts(declared)
        raise


def _tables_in(sql: str, names: frozenset[str]) -> frozenset[str] | None:
    """Tables whose name occurs in the text, more than are used at worst; all, when none does."""
    words = {word.lower() for word in re.findall(r"\w+", sql)}
    return frozenset(names & words) or None


def _paths_in(setup: Sequence[str]) -> list[str]:
    """Every file that our own statements read; the locked process may open these and no others."""
    lists = [found[1] for statement in setup for found in READ.finditer(statement)]
    return sorted({path[1].replace("''", "'") for text in lists for path in TEXT.finditer(text)})


def _ask(request: Mapping[str, Any], sql: str, limits: QueryLimits) -> Any:
    import pyarrow as pa

    seconds = limits.setup_seconds
    with tempfile.TemporaryFile() as errors:
        process = start(errors)
        try:
            pipe = Pipe(process, limits.answer_mib * 2**20)
            pipe.send(json.dumps(request).encode())
            ready = pipe.line(seconds)
            if "ready" not in ready:
                _raise(ready, sql)
            seconds = limits.wall_seconds
            deadline = time.monotonic() + seconds
            started = pipe.line(seconds)
            if "answer" not in started:
                _raise(started, sql)
            data = pipe.rest(deadline - time.monotonic())
            status = stop(process, seconds=5)  # it has closed its end, so it is about to end
        except TooLong:
            raise _limit(f"the query did not end within {seconds:g} s", sql) from None
        except TooMuch:
            raise _limit(f"the answer has more than {limits.answer_mib} MiB", sql) from None
        finally:
            stop(process, seconds=0)
    if status == 3:
        raise _limit(f"the answer has more than {limits.rows:,} rows", sql)
    if status != 0:
        raise _limit("the query process was ended by its limits", sql)
    return pa.ipc.open_stream(io.BytesIO(data)).read_all()


def _raise(said: Mapping[str, Any], sql: str) -> NoReturn:
    code, message, fix = said["code"], said["message"], said.get("fix")
    if code == "VIEWS":
        raise LakeError("INTEGRITY", "an object of the lake cannot be read", value=message.splitlines()[0],
                        fix="restore the object from a copy, or write it again")  # fmt: skip
    if code == "QUERY_INVALID":
        first = message.splitlines()[0]
        raise QueryError(code, first, where=sql, fix=_near(message) or "`DESCRIBE facts` lists what can be asked")
    if code == "QUERY_LIMIT":
        raise _limit(message, sql)
    raise QueryError(code, message, value=said.get("value"), where=sql, fix=fix or "ask with one SELECT over the views")


def _near(message: str) -> str | None:
    """The names that DuckDB offers instead: `Did you mean "x"`, `Candidate bindings: "a", "b"`."""
    offered = re.search(r"(?:Did you mean|Candidate (?:bindings|Entries|functions)):?\s*(.*)", message)
    names = re.findall(r'"([^"]+)"', offered[1]) if offered else []
    return f"did you mean {', '.join(names[:5])}?" if names else None


def _limit(message: str, sql: str) -> QueryError:
    return QueryError("QUERY_LIMIT", message, where=sql,
                      fix="add LIMIT, filter earlier, or use `hour_lake.connect`, which has no limits")  # fmt: skip


def _plain(value: Any) -> Any:
    """DuckDB sums whole numbers into 128 bits, which Arrow calls a decimal."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value
