"""`demo`: the whole flow once, through Dagster, on the sample corpus, and a summary that one reads with pleasure."""

import time
from pathlib import Path

import typer

from hour_lake.cli.console import out, progress_bars, show_table
from hour_lake.cli.setup import init, pull_models, sample

SPEC = Path("examples/talking_heads.yaml")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(demo)


def demo() -> None:
    """Models, sample corpus, manifest, every layer, a dataset. The second time there is nothing left to do."""
    from hour_lake.orchestration.commands import compose_dataset, ingest_manifest, run_selection
    from hour_lake.orchestration.summary import asset_seconds

    started = time.monotonic()
    init(Path())
    pull_models(None)
    sample(Path("sample"))
    with progress_bars():
        taken = ingest_manifest(Path("sample/manifest.csv"))
        ended = run_selection("*")
        card = compose_dataset(SPEC)
    seconds = asset_seconds()
    out.rule("[bold]Hour Lake")
    out.print(
        f"[bold]{taken.videos}[/] videos accepted, [bold]{len(taken.refused)}[/] refused, {taken.segments} segments"
    )
    show_table(("refused", "code", "why"), [tuple(r) for r in taken.refused])
    out.print()
    before = {row.asset: row.fresh for row in ended.before.rows}
    show_table(
        ("asset", "done", "skipped", "failed", "seconds"),
        [(r.asset, r.fresh - before[r.asset], before[r.asset], r.failed + r.blocked, seconds.get(r.asset))
         for r in ended.after.rows],
    )  # fmt: skip
    _show_gates()
    _show_dataset(card, started)
    out.print(f"\n[bold]{ended.sentence()}[/], {time.monotonic() - started:.0f} s in all")


def _show_gates() -> None:
    from hour_lake.catalog.gates import gate_summary
    from hour_lake.ledger.project import Project

    project = Project.open()
    rows = gate_summary(project.lake, project.settings.branch, project.layers)
    out.print()
    show_table(("gate", "dropped", "of", "why"), rows)
