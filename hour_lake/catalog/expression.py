"""One SQL expression over a row of facts, as gates and datasets write it: parsed, never run here."""

import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb


def columns_of(expression: str) -> set[tuple[str, ...]]:
    """Column references as written, `luminance.mean` as ("luminance", "mean"); `ValueError` if it is no expression.

    Subqueries are refused: what is asked of a segment is answered by its own row.
    """
    asked = _parser().execute("SELECT json_serialize_sql(?)", [f"SELECT ({expression}\n)"])
    tree = json.loads(asked.fetchall()[0][0])
    if tree.get("error"):
        raise ValueError(tree.get("error_message", "not a SQL expression"))
    statements = tree["statements"]
    node = statements[0]["node"]
    if len(statements) != 1 or node.get("from_table", {}).get("type") != "EMPTY" or len(node["select_list"]) != 1:
        raise ValueError("not one SQL expression")
    nodes = list(_nodes(node["select_list"]))
    if any(n.get("class") in ("SUBQUERY", "STAR") for n in nodes):
        raise ValueError("a subquery or * is not an expression over one row")
    return {tuple(n["column_names"]) for n in nodes if n.get("class") == "COLUMN_REF"}


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


@cache
def _parser() -> "duckdb.DuckDBPyConnection":
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})
