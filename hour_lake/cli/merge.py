"""`merge`: lay a branch's changes on another one, under limits if wanted."""

import sys
from typing import Annotated

import typer

from hour_lake.cli import complete
from hour_lake.cli.console import err, out, show_error, show_json, show_table
from hour_lake.cli.history import show_comparison
from hour_lake.cli.opened import Branch, Json, opened
from hour_lake.errors import LakeError

TROUBLES = {"MERGE_CONFLICT", "MERGE_REFUSED", "CONFLICT"}


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(merge)


def merge(
    source: Annotated[str, typer.Argument(help="branch, tag or commit", autocompletion=complete.refs)],
    into: Branch = None,
    only_if: Annotated[
        list[str] | None,
        typer.Option(help="a limit, several allowed: 'flips(eyes_open) <= 2%', 'changed(blink) < 100', "
                     "'shift(blink.closed_share) <= 0.1', 'disqualified(talks) <= 0'", autocompletion=complete.limits),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="try it aside and show what it would change")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Merge into a branch (default: the settings'). Exit status 2: a conflict, or a limit that does not hold.

    Compacted tables are not merged: the catalog is made again by the next `run` or by the sensor; answers are right
    meanwhile.
    """
    from hour_lake.catalog.compact import is_current
    from hour_lake.comparison.trial import merge_within
    from hour_lake.ledger.project import Project

    settings, lake = opened()
    project = Project(settings, lake)
    try:
        merged = merge_within(
            lake, source, into or settings.branch, limits=only_if or (), dry_run=dry_run,
            layers=project.layers if only_if or dry_run else {}, gates=project.gates if only_if or dry_run else (),
        )  # fmt: skip
        if json:
            show_json(merged.as_dict())
        elif dry_run and merged.comparison:
            show_comparison(merged.comparison)
        if merged.limits and not json:
            rows = [("holds" if each.holds else "too much", each.sentence()) for each in merged.limits]
            show_table(("limit", "measured"), rows)
        merged.check()
    except LakeError as error:
        if error.code not in TROUBLES:
            raise
        show_error(error)
        sys.exit(2)
    if not json:
        words = {"merged": "merged", "up to date": "has everything already", "dry run": "would be merged"}
        out.print(
            f"{merged.source} into {merged.into}: {words[merged.state]}; {merged.into} is at {merged.commit[:12]}"
        )
    if merged.state == "merged" and not is_current(lake, merged.commit):
        err.print("[dim]the catalog is made again by `hour-lake run`, or by the sensor; answers are right meanwhile[/]")
