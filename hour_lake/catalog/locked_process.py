"""The process that runs a user's SQL: it starts, reads one request, answers once and ends.

Run as a script by `query.py`; it imports DuckDB and Arrow and nothing of Hour Lake, for every query waits for it.
Locks, one behind the other: only one SELECT by the parser's word, and only table functions that read no file; only the
commit's own objects may be opened; the configuration is locked; limits of the operating system on memory, processor
time and files written. The parent holds the clock.
"""

import ctypes
import json
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLE_FUNCTIONS = {"range", "generate_series", "unnest", "json_each", "json_tree"}
READS_FILES = ("read_", "glob", "parquet_", "sniff_", "_scan", "scan_", "import_", "iceberg", "delta")
FILE_LIKE = (
    "/",
    "\\",
    ":",
    "*",
    ".csv",
    ".tsv",
    ".json",
    ".parquet",
    ".txt",
    ".gz",
    ".zst",
    ".db",
    ".duckdb",
    ".sqlite",
)
FILES = "files and addresses cannot be read from a query"
MEMORY = "the query needs more memory than it may have"
SQL_LIMIT = 100_000
PR_SET_PDEATHSIG = 1


class Refused(Exception):
    """What the parent is told: code, message, and what to do."""

    def __init__(self, code: str, message: str, *, value: str | None = None, fix: str | None = None) -> None:
        super().__init__(code, message)
        self.said = {"code": code, "message": message, "value": value, "fix": fix}


def main() -> None:
    """Request on standard input as JSON; "ready", one JSON line and an Arrow stream on standard output."""
    request = json.load(sys.stdin.buffer)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    import duckdb

    try:
        check(request["sql"])
        import pyarrow as pa  # a refusal need not wait for it

        _limit(request)
        connection = _prepared(request)
        _say({"ready": True})
        _answer(connection, request, pa)
    except Refused as refused:
        _say(refused.said)
    except MemoryError:  # Arrow's is one, too
        _say(Refused("QUERY_LIMIT", MEMORY).said)
    except duckdb.Error as error:
        _say(_explained(error).said)


def check(sql: str) -> None:
    """Refuse everything but one SELECT over tables of the lake."""
    import duckdb

    if len(sql) > SQL_LIMIT:
        raise Refused("QUERY_LIMIT", f"a query has at most {SQL_LIMIT} characters")
    # Even parsing may open a file (IMPORT DATABASE does), so the parser has no files.
    parser = duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})
    try:
        statements = parser.extract_statements(sql)
    except duckdb.PermissionException as error:
        raise Refused("QUERY_NOT_ALLOWED", "only SELECT may be asked", value=str(error)) from error
    if len(statements) != 1:
        raise Refused("QUERY_NOT_ALLOWED", f"one statement at a time, not {len(statements)}",
                      fix="a PIVOT needs its values written out: PIVOT ... ON column IN (...)")  # fmt: skip
    kind = statements[0].type.name
    tree = json.loads(parser.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if kind != "SELECT" or tree.get("error"):
        raise Refused("QUERY_NOT_ALLOWED", f"only SELECT may be asked, not {kind}")
    for node in _nodes(tree):
        if node.get("type") == "TABLE_FUNCTION":
            _check_function(str(node["function"]["function_name"]).lower())
        elif node.get("type") == "BASE_TABLE" and any(part in node["table_name"].lower() for part in FILE_LIKE):
            raise Refused("QUERY_FORBIDDEN", FILES, value=node["table_name"])


def _check_function(name: str) -> None:
    if any(part in name for part in READS_FILES):
        raise Refused("QUERY_FORBIDDEN", FILES, value=f"{name}()")
    if name not in TABLE_FUNCTIONS:
        known = ", ".join(sorted(TABLE_FUNCTIONS))
        raise Refused("QUERY_NOT_ALLOWED", f"this table function is not one of {known}", value=f"{name}()")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _limit(request: dict[str, Any]) -> None:
    """What is mapped by now is the program; a query may add twice what it was given, for an allocator keeps some."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = mapped + 2 * request["memory_mib"] * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = int(request["cpu_seconds"])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def _prepared(request: dict[str, Any]) -> Any:
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": request["threads"]})
    paths = ", ".join("'" + path.replace("'", "''") + "'" for path in request["paths"])
    try:
        for statement in (
            *request["access"],
            f"SET memory_limit = '{request['memory_mib']}MiB'",
            "SET temp_directory = ''",
            f"SET allowed_paths = [{paths}]",
            "SET enable_external_access = false",
            "SET autoinstall_known_extensions = false",
            "SET autoload_known_extensions = false",
            "SET allow_community_extensions = false",
            "SET python_enable_replacements = false",
            *request["setup"],
            "SET lock_configuration = true",
        ):
            connection.execute(statement)
    except duckdb.OutOfMemoryException as error:
        raise Refused(
            "QUERY_LIMIT", MEMORY, fix="run `hour-lake run catalog`, so that facts need not be computed"
        ) from error
    except duckdb.Error as error:
        raise Refused("VIEWS", str(error)) from error
    return connection


def _answer(connection: Any, request: dict[str, Any], pa: Any) -> None:
    batches = connection.execute(request["sql"]).to_arrow_reader(10_000)
    _say({"answer": True})
    rows = 0
    with pa.ipc.new_stream(sys.stdout.buffer, batches.schema) as stream:
        for batch in batches:
            rows += len(batch)
            if rows > request["rows"]:
                sys.exit(3)  # the parent knows what this means: the stream has begun, so nothing can be said in it
            stream.write_batch(batch)


def _explained(error: Exception) -> Refused:
    kind, text = type(error).__name__, str(error)
    if kind == "PermissionException":
        return Refused("QUERY_FORBIDDEN", FILES, value=text.splitlines()[0])
    if kind in ("OutOfMemoryException", "InterruptException"):
        return Refused("QUERY_LIMIT", MEMORY)
    if kind in ("IOException", "HTTPException"):
        return Refused("VIEWS", text)
    return Refused("QUERY_INVALID", text)


def _say(what: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(what).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
