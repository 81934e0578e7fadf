"""A comparison in Markdown: for a file, a pull request, and the metadata of a run in Dagster."""

from collections.abc import Sequence

from hour_lake.comparison.answer import Comparison
from hour_lake.comparison.tables import Table, tables_of


def markdown(comparison: Comparison, *, picture: str | None = None) -> str:
    """The whole comparison; `picture` is the address of one, a file or a `data:` URI."""
    before, after = comparison.before, comparison.after
    parts = [
        f"# {before.ref} → {after.ref}",
        f"{comparison.sentence()}. `{before.ref}` is {before.commit[:12]} with {before.segments} segments, "
        f"`{after.ref}` is {after.commit[:12]} with {after.segments}.",
        f"![what moved]({picture})" if picture else "",
        *(_section(table) for table in tables_of(comparison)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(table: Table) -> str:
    text = f"## {_plain(table.title)}\n\n{_grid(table.columns, table.rows)}"
    return f"{text}\n\n{table.note}." if table.note else text


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that neither ends its cell nor is taken for markup; gates write `<=` and names have underscores."""
    text = text.replace("\n", " ")
    for mark in "\\|<*_[]`":
        text = text.replace(mark, f"\\{mark}" if mark != "<" else "&lt;")
    return text
