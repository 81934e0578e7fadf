"""`sql`: a question about any version of the lake, answered as a table, JSON or CSV."""

from typing import Annotated

import typer

from hour_lake.cli.console import err, show_csv, show_json, show_table
from hour_lake.cli.opened import Json, Ref


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(sql)


def sql(
    query: Annotated[str, typer.Argument(help="one SELECT; views: facts, flags, videos, plans, manifests, each layer")],
    ref: Ref = None,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="print CSV")] = False,
) -> None:
    """Ask in SQL (DuckDB). The answer is of one commit, whatever others write meanwhile."""
    from hour_lake.catalog.query import run_query
    from hour_lake.ledger.project import Project

    project = Project.open()
    answer = run_query(query, lake=project.lake, ref=ref or project.settings.branch)
    if json:
        show_json(
            {"commit": answer.commit_id, "rows": [dict(zip(answer.columns, r, strict=True)) for r in answer.rows]}
        )
    elif csv:
        show_csv(answer.columns, answer.rows)
    else:
        show_table(answer.columns, answer.rows)
        err.print(f"[dim]{len(answer.rows)} rows at commit {answer.commit_id[:12]}[/]")
