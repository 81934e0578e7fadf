"""`layers` and `try`: what stages there are, and one of them on one clip in seconds."""

from pathlib import Path
from typing import Annotated

import typer

from hour_lake.cli.console import out, show_error, show_json, show_table

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(layers)
    app.command("try")(try_one)


def layers(json: Json = False) -> None:
    """Every layer that can be found: group, what it reads, its columns and facts, its models."""
    from hour_lake.passes.plan import passes_of
    from hour_lake.passes.registry import load_layers

    found = load_layers()
    passes = {layer.name: each.name for each in passes_of(found.values()) for layer in each.layers}
    rows = [
        {"layer": x.name, "group": x.group, "pass": passes[x.name], "reads": list(x.reads), "compute": x.compute,
         "models": list(x.models), "columns": dict(x.columns), "facts": dict(x.facts),
         "configuration": {k: repr(v) for k, v in x.config.items()}, "file": x.source_path}
        for x in found.values()
    ]  # fmt: skip
    if json:
        show_json({"layers": rows, "broken": [e.as_dict() for e in found.broken]})
        return
    show_table(
        ("layer", "group", "pass", "reads", "facts"),
        [(r["layer"], r["group"], r["pass"], ", ".join(r["reads"]), ", ".join(r["facts"])) for r in rows],
    )
    for error in found.broken:
        show_error(error)


def try_one(
    layer: Annotated[str, typer.Argument(help="name of a layer, or a file that declares one")],
    file: Annotated[Path, typer.Argument(help="a clip or any video file")],
    picture: Annotated[Path, typer.Option(help="where the picture goes")] = Path("try.png"),
    json: Json = False,
) -> None:
    """Run one layer (and what it reads) on one file, without lake or Dagster: a table, its facts and a picture."""
    from hour_lake.catalog.batch import facts_of_table
    from hour_lake.ledger.project import set_process_environment
    from hour_lake.passes.attempt import try_layer
    from hour_lake.settings import Settings

    set_process_environment(Settings.load())
    tried = try_layer(layer, file, picture)
    facts = facts_of_table(tried.layer, tried.table, duration_seconds=tried.duration_seconds)
    if json:
        show_json({"layer": tried.layer.name, "rows": len(tried.rows), "facts": facts, "picture": str(picture)})
        return
    show_table(
        tried.columns, tried.rows[:12], title=f"{tried.layer.name}: {len(tried.rows)} rows in {tried.seconds:.2f} s"
    )
    show_table(("fact", "value"), list(facts.items()))
    out.print(f"picture {picture}")
