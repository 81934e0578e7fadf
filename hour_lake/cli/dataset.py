"""`dataset compose|pull|show`: from a specification to a tagged version, and from a tag to files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown

from hour_lake.cli import complete
from hour_lake.cli.console import out, progress_bars, show_json
from hour_lake.cli.opened import Branch, Json
from hour_lake.datasets.card import card_text

app = typer.Typer(no_args_is_help=True, help="Compose, pull and show datasets.")
Dataset = Annotated[str, typer.Argument(help="NAME or NAME@vN", autocompletion=complete.datasets)]


@app.command()
def compose(
    spec: Annotated[Path, typer.Argument(help="YAML specification")], branch: Branch = None, json: Json = False
) -> None:
    """Solve a specification over the facts, commit the result and tag it; without a change it is the same version."""
    from hour_lake.orchestration.commands import compose_dataset

    with progress_bars():
        card = compose_dataset(spec, branch=branch)
    if json:
        show_json(card)
    else:
        out.print(Markdown(card_text(card)))


@app.command()
def show(name: Dataset, json: Json = False) -> None:
    """What a version holds: counts, splits, constraints and what they came to, licences."""
    from hour_lake.datasets.publish import read_card
    from hour_lake.ledger.project import Project

    card = read_card(Project.open().lake, name)
    if json:
        show_json(card)
    else:
        out.print(Markdown(card_text(card)))


@app.command()
def pull(
    name: Dataset,
    folder: Annotated[Path, typer.Argument(help="where the files go")],
) -> None:
    """The clips and the index of a version, byte for byte the same each time."""
    from hour_lake.datasets.pull import pull_dataset
    from hour_lake.ledger.project import Project

    pulled = pull_dataset(Project.open().lake, name, folder)
    out.print(f"{pulled.files} files, {pulled.bytes / 1e6:.1f} MB in {folder}; every digest is right")
