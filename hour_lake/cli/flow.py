"""`ingest`, `run`, `status`: moving data through the flow, and seeing where it stands."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hour_lake.cli.console import out, progress_bars, show_json, show_table
from hour_lake.cli.opened import Branch, Json, Ref


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(ingest)
    app.command()(run)
    app.command()(status)


def ingest(
    file: Annotated[Path, typer.Argument(help="manifest: CSV, JSONL or Parquet")],
    branch: Branch = None,
    json: Json = False,
) -> None:
    """Take a manifest in: check its rows, bring in new videos, plan their segments. Known videos are not touched."""
    from hour_lake.orchestration.commands import ingest_manifest

    with progress_bars():
        taken = ingest_manifest(file, branch=branch)
    if json:
        show_json(taken.as_dict())
    else:
        out.print(taken.sentence())
        if taken.refused:
            show_table(("refused", "code", "why"), [(r.what, r.code, r.why) for r in taken.refused])


def run(
    selection: Annotated[
        str, typer.Argument(help="assets, as in the UI: blink, '+blink', '1+blink', 'blink+', 'blink,mouth'")
    ] = "*",
    segments: Annotated[str, typer.Option(help="which segments, a shell pattern: 'bob*'")] = "*",
    refresh: Annotated[bool, typer.Option(help="make them anew, fresh or not")] = False,
    branch: Branch = None,
    keywords: Annotated[
        list[str] | None,
        typer.Option("--set", help="pin a layer's keyword on the branch: blink.closed_below=0.75; empty: unpin it"),
    ] = None,
    json: Json = False,
) -> None:
    """Make what is missing or stale among the selected assets and segments; what is fresh is skipped."""
    from hour_lake.orchestration.commands import run_selection

    with progress_bars():
        ended = run_selection(selection, pattern=segments, branch=branch, refresh=refresh, keywords=keywords or ())
    if json:
        show_json(ended.as_dict())
    else:
        out.print(ended.sentence())
        if ended.failures:
            show_table(("asset", "segment", "code", "why"), [tuple(f) for f in ended.failures[:20]])
    if ended.failures:
        raise typer.Exit(2)


def status(
    segments: Annotated[str, typer.Option(help="which segments, a shell pattern")] = "*",
    ref: Ref = None,
    why: Annotated[bool, typer.Option(help="one line for each output that is not fresh")] = False,
    json: Json = False,
) -> None:
    """What is fresh, missing, stale, failed or blocked, and why."""
    from hour_lake.ledger.project import Project
    from hour_lake.ledger.status import Status
    from hour_lake.passes.declare import CORPUS

    found = Status.of(Project.open(), ref=ref, pattern=segments)
    if json:
        show_json(found.as_dict(details=why))
        return
    out.print(found.sentence())
    for layer, pinned in found.pinned.items():
        out.print(f"pinned here: {', '.join(f'{layer}.{name} = {value}' for name, value in pinned.items())}")
    rows: list[tuple[Any, ...]] = [
        (r.asset, r.fresh, r.missing, r.stale, r.failed, r.blocked, r.why) for r in found.rows
    ]
    show_table(("asset", "fresh", "missing", "stale", "failed", "blocked", "why"), rows)
    if why:
        details = [(c.step.name, c.segment.id, c.state, c.why) for c in found.open]
        details += [(c.layer.name, CORPUS, c.state, c.why) for c in found.corpus if c.state != "fresh"]
        show_table(("asset", "segment", "state", "why"), details)
