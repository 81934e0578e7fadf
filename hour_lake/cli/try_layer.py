"""`try`: one layer on one file in seconds, and with `--watch` again after each save."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hour_lake.cli import complete
from hour_lake.cli.console import out, show_json, show_table
from hour_lake.cli.opened import Json

if TYPE_CHECKING:
    from hour_lake.settings import Settings

ROWS_SHOWN = 12


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("try")(try_one)


def try_one(
    layer: Annotated[
        str, typer.Argument(help="name of a layer, or a file that declares one", autocompletion=complete.layers)
    ],
    file: Annotated[Path, typer.Argument(help="a clip, any video, or any sound")],
    picture: Annotated[Path, typer.Option(help="where the picture goes")] = Path("try.png"),
    watch: Annotated[bool, typer.Option("--watch", help="again after each save, until Ctrl-C")] = False,
    json: Json = False,
) -> None:
    """Run one layer (and what it reads) on one file, without lake or Dagster: a table, its facts and a picture."""
    from hour_lake.ledger.project import set_process_environment
    from hour_lake.settings import Settings

    settings = Settings.load()
    set_process_environment(settings)
    if not watch:
        _show(layer, file, picture, json, settings)
        return
    from hour_lake.cli.watch import again_after_each_save, folders_of

    again_after_each_save(lambda: _show(layer, file, picture, json, settings), folders_of(layer))


def _show(layer: str, file: Path, picture: Path, json: bool, settings: "Settings") -> None:
    from hour_lake.catalog.batch import facts_of_table
    from hour_lake.passes.attempt import try_layer

    tried = try_layer(layer, file, picture, config=settings.layers, limits=settings.limits)
    facts = facts_of_table(tried.layer, tried.table, duration_seconds=tried.duration_seconds)
    if json:
        show_json({"layer": tried.layer.name, "rows": len(tried.rows), "facts": facts, "device": tried.device,
                   "note": tried.note, "picture": str(picture)})  # fmt: skip
        return
    title = f"{tried.layer.name}: {len(tried.rows)} rows in {tried.seconds:.2f} s"
    show_table(tried.columns, tried.rows[:ROWS_SHOWN], title=title)
    show_table(("fact", "value"), list(facts.items()))
    if tried.note:
        out.print(f"note    {tried.note}")
    out.print(f"picture {picture}")
