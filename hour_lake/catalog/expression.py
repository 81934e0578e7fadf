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
    tree = _tree_of(expression)
    statements = tree["statements"]
    node = statements[0]["node"]
    if len(statements) != 1 or node.get("from_table", {}).get("type") != "EMPTY" or len(node["select_list"]) != 1:
        raise ValueError("not one SQL expression")
    nodes = list(_nodes(node["select_list"]))
    if any(n.get("class") in ("SUBQUERY", "STAR") for n in nodes):
        raise ValueError("a subquery or * is not an expression over one row")
    return {tuple(n["column_names"]) for n in nodes if n.get("class") == "COLUMN_REF"}


def conjuncts_of(expression: str) -> list[str]:
    """The parts that must all hold, as SQL: `a > 1 AND (b OR c)` as ["(a > 1)", "(b OR c)"]."""
    tree = _tree_of(expression)
    (top,) = tree["statements"][0]["node"]["select_list"]
    parts = list(_parts(top))
    return [expression] if len(parts) == 1 else [_text_of(tree, part) for part in parts]


def _parts(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("type") == "CONJUNCTION_AND":
        for child in node["children"]:
            yield from _parts(child)
    else:
        yield node


def _text_of(tree: dict[str, Any], node: dict[str, Any]) -> str:
    statement = {**tree["statements"][0], "node": {**tree["statements"][0]["node"], "select_list": [node]}}
    asked = _parser().execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps({**tree, "statements": [statement]})])
    return str(asked.fetchall()[0][0]).removeprefix("SELECT ")


def _tree_of(expression: str) -> dict[str, Any]:
    asked = _parser().execute("SELECT json_serialize_sql(?)", [f"SELECT ({expression}\n)"])
    tree = json.loads(asked.fetchall()[0][0])
    if tree.get("error"):
        raise ValueError(tree.get("error_message", "not a SQL expression"))
    return tree


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
