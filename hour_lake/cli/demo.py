"""`demo`: the whole flow once, through Dagster, on the sample corpus, and a summary that one reads with pleasure."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hour_lake.cli.console import out, progress_bars, show_table
from hour_lake.cli.setup import init, pull_models, sample

if TYPE_CHECKING:
    from hour_lake.ledger.project import Project
    from hour_lake.orchestration.commands import RunEnded, Taken

SPEC = Path("examples/talking_heads.yaml")
GATES = """
    select gate, count(*) filter (not passed) as dropped, count(*) filter (passed is null) as unknown, count(*) as of,
           coalesce(max(reason) filter (not passed), max(reason)) as why
    from flags group by gate order by dropped desc, gate"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(demo)


def demo() -> None:
    """Models, sample corpus, manifest, every layer, a dataset. The second time there is nothing left to do."""
    from hour_lake.ledger.project import Project
    from hour_lake.orchestration.commands import compose_dataset, ingest_manifest, run_selection

    started = time.monotonic()
    init(Path())
    pull_models(None)
    sample(Path("sample"))
    with progress_bars():
        taken = ingest_manifest(Path("sample/manifest.csv"))
        ended = run_selection("*")
        card = compose_dataset(SPEC)
    project = Project.open()
    out.rule("[bold]Hour Lake")
    _show_videos(taken)
    _show_assets(project, ended)
    _show_gates(project)
    _show_dataset(project, card)
    out.print(f"\n[bold]{ended.sentence()}[/] ({time.monotonic() - started:.0f} s in all)\n")
    _show_next(card)


def _show_videos(taken: "Taken") -> None:
    out.print(
        f"[bold]{taken.videos}[/] videos accepted, [bold]{len(taken.refused)}[/] refused, {taken.segments} segments"
    )
    show_table(("refused", "code", "why"), [tuple(refusal) for refusal in taken.refused])


def _show_assets(project: "Project", ended: "RunEnded") -> None:
    from hour_lake.orchestration.summary import asset_seconds

    seconds = asset_seconds(project)
    before = {row.asset: row.fresh for row in ended.before.rows}
    rows = [
        (r.asset, r.fresh - before[r.asset], before[r.asset], r.failed + r.blocked, seconds.get(r.asset), r.why)
        for r in ended.after.rows
    ]
    out.print()
    show_table(("asset", "done", "skipped", "failed", "worker s", "why"), rows)


def _show_gates(project: "Project") -> None:
    from hour_lake.catalog.connect import connect

    rows = connect(project.settings.branch, lake=project.lake, layers=project.layers).execute(GATES).fetchall()
    out.print()
    show_table(("gate", "dropped", "unknown", "of", "why"), rows)


def _show_dataset(project: "Project", card: dict[str, Any]) -> None:
    from hour_lake.datasets.contact_sheet import contact_sheet

    name = f"{card['name']}@v{card['version']}"
    sheet = contact_sheet(project.lake, name, project.settings.home / "contact_sheet.png", layers=project.layers)
    out.print(f"\ndataset [bold]{card['tag']}[/]: {card['segments']} segments, {card['seconds']:.0f} s")
    show_table(
        ("constraint", "wanted", "achieved"),
        [(each["name"], each["wanted"], each["achieved"]) for each in card["constraints"]],
    )
    out.print(f"contact sheet {sheet}")


def _show_next(card: dict[str, Any]) -> None:
    out.print("try next")
    out.print("  make dev")
    out.print('  .venv/bin/hour-lake sql "select segment_id, blink.blinks_per_minute from facts order by 2 desc"')
    out.print(f"  .venv/bin/hour-lake dataset pull {card['name']}@v{card['version']} training")
