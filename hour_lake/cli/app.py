"""The commands, joined; each module below adds its own."""

import typer

from hour_lake.cli import ask, branch, dataset, demo, files, flow, history, look, merge, setup, try_layer, upkeep, why

app = typer.Typer(
    name="hour-lake", no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False,
    help="From raw videos of presenters to versioned, queryable training sets.",
)  # fmt: skip

for module in (setup, flow, why, look, try_layer, ask, history, merge, files, upkeep, demo):
    module.add_to(app)
app.add_typer(branch.app, name="branch")
app.add_typer(branch.tag_app, name="tag")
app.add_typer(dataset.app, name="dataset")
app.add_typer(setup.models_app, name="models")
