"""The commands, joined; each module below adds its own."""

import typer

from hour_lake.cli import ask, dataset, demo, flow, look, setup

app = typer.Typer(
    name="hour-lake", no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False,
    help="From raw videos of presenters to versioned, queryable training sets.",
)  # fmt: skip

for module in (setup, flow, look, ask, demo):
    module.add_to(app)
app.add_typer(dataset.app, name="dataset")
app.add_typer(setup.models_app, name="models")
