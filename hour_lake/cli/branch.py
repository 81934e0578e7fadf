"""`branch list|create|delete` and `tag list|create`."""

from typing import Annotated

import typer

from hour_lake.cli import complete
from hour_lake.cli.console import moment, out, show_json, show_table
from hour_lake.cli.opened import Json, opened

app = typer.Typer(no_args_is_help=True, help="Branches of the lake: list, create, delete.")
tag_app = typer.Typer(no_args_is_help=True, help="Tags of the lake: list, create; a tag never moves.")
From = Annotated[
    str | None,
    typer.Option("--from", help="branch, tag or commit; default: the settings' branch", autocompletion=complete.refs),
]


@app.command("list")
def list_branches(json: Json = False) -> None:
    """Every branch, and its newest commit."""
    settings, lake = opened()
    heads = {name: next(lake.log(commit, limit=1)) for name, commit in sorted(lake.branches().items())}
    if json:
        rows = [
            {
                "branch": name,
                "commit": head.id,
                "created_ms": head.created_ms,
                "message": head.message,
                "default": name == settings.branch,
            }
            for name, head in heads.items()
        ]
        show_json({"branches": rows})
        return
    table = [
        (f"{name} *" if name == settings.branch else name, c.id[:12], moment(c.created_ms), c.message)
        for name, c in heads.items()
    ]
    show_table(("branch (* default)", "commit", "when", "what"), table)


@app.command()
def create(name: Annotated[str, typer.Argument()], source: From = None, json: Json = False) -> None:
    """A new branch: one row in the lake, whatever its size. Runs write to it with `--branch NAME`."""
    settings, lake = opened()
    commit = lake.create_branch(name, source or settings.branch)
    if json:
        show_json({"branch": name, "commit": commit})
    else:
        out.print(f"branch {name} at {commit[:12]}")


@app.command()
def delete(
    name: Annotated[str, typer.Argument(autocompletion=complete.branches)], json: Json = False
) -> None:  # fmt: skip
    """Drop a branch. What only it reached stays until `gc` collects it; tags keep what they name."""
    _, lake = opened()
    commit = lake.resolve(name)
    lake.delete_branch(name)
    if json:
        show_json({"branch": name, "commit": commit})
    else:
        out.print(f"branch {name} deleted; it was at {commit[:12]}")


@tag_app.command("list")
def list_tags(json: Json = False) -> None:
    """Every tag and its commit."""
    _, lake = opened()
    found = sorted(lake.tags().items())
    if json:
        show_json({"tags": [{"tag": name, "commit": commit} for name, commit in found]})
    else:
        show_table(("tag", "commit"), [(name, commit[:12]) for name, commit in found])


@tag_app.command("create")
def create_tag(name: Annotated[str, typer.Argument()], source: From = None, json: Json = False) -> None:
    """A tag at a commit, for good; the same again changes nothing."""
    settings, lake = opened()
    commit = lake.tag(name, source or settings.branch)
    if json:
        show_json({"tag": name, "commit": commit})
    else:
        out.print(f"tag {name} at {commit[:12]}")
