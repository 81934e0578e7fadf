"""`why`: what one output of one segment is made from, whether it is fresh, and what would make it run."""

from typing import Annotated

import typer

from hour_lake.cli import complete
from hour_lake.cli.console import out, show_error, show_json, show_table
from hour_lake.cli.opened import Json, Ref
from hour_lake.errors import error_from


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(why)


def why(
    segment: Annotated[str, typer.Argument(help="id of a segment", autocompletion=complete.segments)],
    layer: Annotated[str, typer.Argument(help="a layer, or segments, audio", autocompletion=complete.layers)],
    ref: Ref = None,
    json: Json = False,
) -> None:
    """Why an output is fresh or not, in words, and what it would take to make it run."""
    from hour_lake.ledger.project import Project
    from hour_lake.ledger.why import why as explained

    found = explained(Project.open(), segment, layer, ref=ref)
    if json:
        show_json(found.as_dict())
        return
    out.print(f"[bold]{found.asset}[/] of {found.segment} at {found.commit[:12]}")
    out.print(found.sentence, markup=False)
    if found.error:
        show_error(error_from(found.error))
    show_table(
        ("a change of", "", "makes it run; now"), [(each.kind, each.name, each.now) for each in found.depends_on]
    )
    out.print(f"or: hour-lake run {found.asset} --segments '{found.segment}' --refresh", markup=False)
