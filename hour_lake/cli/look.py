"""`layers` and `layers new`: what stages there are, and a new one."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from hour_lake.cli.console import out, show_error, show_json, show_table
from hour_lake.cli.opened import Json

layers_app = typer.Typer(help="Every layer that can be found; `new` writes one.")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.add_typer(layers_app, name="layers")


@layers_app.command()
def new(
    name: Annotated[str, typer.Argument(help="of the layer, and of its file")],
    reads: Annotated[str, typer.Option(help="frames, samples, master or layers, parted by commas")] = "frames",
    folder: Annotated[
        Path | None, typer.Option(help="default: the first folder in HOUR_LAKE_LAYERS, or layers/")
    ] = None,
) -> None:
    """Write a file with a layer that runs as it is; change it, and `hour-lake try` it."""
    from hour_lake.cli.new_layer import new_layer
    from hour_lake.passes.registry import FOLDERS_VARIABLE, load_layers

    named = [place for place in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if place]
    chosen = folder or Path(named[0] if named else "layers")
    file = new_layer(name, [read.strip() for read in reads.split(",")], chosen, load_layers())
    out.print(f"written {file}\ntry     hour-lake try {file} CLIP.mp4")
    if str(chosen.resolve()) not in [str(Path(place).resolve()) for place in named]:
        out.print(f"use     export {FOLDERS_VARIABLE}={chosen}")


@layers_app.callback(invoke_without_command=True)
def layers(context: typer.Context, json: Json = False) -> None:
    """Every layer that can be found: group, what it reads, its columns and facts, its models and their licences."""
    if context.invoked_subcommand:
        return
    from hour_lake.catalog.declared import wrong_facts
    from hour_lake.models.registry import model
    from hour_lake.passes.config import configured
    from hour_lake.passes.plan import passes_of
    from hour_lake.passes.registry import load_layers
    from hour_lake.settings import Settings

    found, settings = load_layers(), Settings.load()
    found = found.less(wrong_facts(found))
    chosen = found.chosen(opt_in=settings.opt_in, opt_out=settings.opt_out)
    passes = {layer.name: each.name for each in passes_of(found.values()) for layer in each.layers}
    used = {x.name: x.models_in_force(configured(x, settings.layers.get(x.name))) for x in found.values()}
    rows: list[dict[str, Any]] = [
        {"layer": x.name, "group": x.group, "pass": passes.get(x.name, x.rows), "reads": list(x.reads),
         "compute": x.compute, "memory_gib": x.memory_gib, "pool": x.pool_in_force,
         "models": list(used[x.name]), "licences": sorted({model(name).licence for name in used[x.name]}),
         "providers": {name: list(models) for name, models in x.providers.items()},
         "opt_in": x.opt_in, "enabled": x.name in chosen, "columns": dict(x.columns), "facts": dict(x.facts),
         "configuration": {k: repr(v) for k, v in x.config.items()}, "file": x.source_path}
        for x in found.values()
    ]  # fmt: skip
    if json:
        show_json({"layers": rows, "broken": [e.as_dict() for e in found.broken]})
        return
    show_table(
        ("layer", "on", "group", "pass", "reads", "facts"),
        [
            (
                r["layer"],
                "yes" if r["enabled"] else "opt in" if r["opt_in"] else "no",
                r["group"],
                r["pass"],
                ", ".join(r["reads"]),
                ", ".join(r["facts"]),
            )
            for r in rows
        ],
    )
    for error in found.broken:
        show_error(error)
