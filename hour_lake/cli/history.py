"""`log` and `diff`: what happened, and what it changed, as paths or as facts."""

import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hour_lake.cli import complete
from hour_lake.cli.console import err, human_bytes, moment, out, show_json, show_table
from hour_lake.cli.opened import Json, opened

if TYPE_CHECKING:
    from hour_lake.comparison.answer import Comparison
    from hour_lake.lake.interface import Change, Commit

Path_ = Annotated[str, typer.Option("--path", help="only below this path", autocompletion=complete.paths)]
DefaultRef = Annotated[str | None, typer.Argument(help="default: the settings' branch", autocompletion=complete.refs)]
RefArgument = Annotated[str, typer.Argument(help="branch, tag or commit", autocompletion=complete.refs)]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(log)
    app.command()(diff)


def log(
    ref: DefaultRef = None,
    path: Path_ = "",
    limit: Annotated[int, typer.Option(min=1, help="at most so many commits")] = 20,
    json: Json = False,
) -> None:
    """Commits, newest first; with --path those that changed something below it."""
    settings, lake = opened()
    ref = ref or settings.branch
    commits = list(lake.log(ref, path, limit))
    if json:
        show_json({"ref": ref, "commits": [_as_dict(commit) for commit in commits]})
        return
    rows = [(c.id[:12], moment(c.created_ms), c.message, c.metadata.get("run_id", "")[:8]) for c in commits]
    show_table(("commit", "when", "what", "run"), rows)


def diff(
    before: RefArgument,
    after: RefArgument,
    path: Path_ = "",
    facts: Annotated[bool, typer.Option("--facts", help="what it means: facts, gates, datasets")] = False,
    markdown: Annotated[str | None, typer.Option(help="with --facts: write Markdown to a file, or - for here")] = None,
    picture: Annotated[Path | None, typer.Option(help="with --facts: draw a PNG")] = None,
    all_versions: Annotated[bool, typer.Option("--all-versions", help="of datasets, not the newest alone")] = False,
    limit: Annotated[int, typer.Option(min=0, help="at most so many paths in the table; 0 is all")] = 40,
    json: Json = False,
) -> None:  # fmt: skip
    """What differs between two commits: paths, or with --facts what it means for facts, gates and datasets."""
    if facts or markdown or picture:
        _diff_facts(before, after, markdown=markdown, picture=picture, all_versions=all_versions, json=json)
        return
    _, lake = opened()
    commits = lake.resolve(before), lake.resolve(after)
    changes = list(lake.diff(*commits, path))
    counts = Counter(change.kind for change in changes)
    if json:
        sides = {
            name: {"ref": ref, "commit": c}
            for name, ref, c in zip(("before", "after"), (before, after), commits, strict=True)
        }
        show_json({**sides, "counts": {k: counts[k] for k in ("added", "changed", "removed")},
                   "changes": [_change(change) for change in changes]})  # fmt: skip
        return
    rows = [
        (c.kind, c.path, *(human_bytes(e.size_bytes) if e else "" for e in (c.before, c.after)), _recipe(c))
        for c in islice(changes, limit or None)
    ]
    if rows:
        show_table(("what", "path", "before", "after", ""), rows)
    rest = len(changes) - len(rows)
    out.print(f"{counts['added']} added, {counts['changed']} changed, {counts['removed']} removed"
              + (f"; {rest} more paths: --limit 0" if rest else ""))  # fmt: skip


def _diff_facts(
    before: str, after: str, *, markdown: str | None, picture: Path | None, all_versions: bool, json: bool
) -> None:
    from hour_lake.comparison.compare import compare
    from hour_lake.comparison.markdown import markdown as as_markdown
    from hour_lake.comparison.picture import draw
    from hour_lake.ledger.project import Project

    settings, lake = opened()
    project = Project(settings, lake)
    versions = "all" if all_versions else "newest"
    found = compare(lake, before, after, layers=project.layers, gates=project.gates, versions=versions)
    if picture:
        draw(found, picture)
    if markdown == "-":
        sys.stdout.write(as_markdown(found, picture=str(picture) if picture else None))
        return
    if markdown:
        Path(markdown).write_text(as_markdown(found, picture=str(picture) if picture else None))
    if json:
        show_json(found.as_dict())
        return
    show_comparison(found)
    for written in filter(None, (markdown, picture)):
        err.print(f"[dim]{written}[/]")


def show_comparison(comparison: "Comparison") -> None:
    """Its tables, after one line that says it all."""
    from hour_lake.comparison.tables import tables_of

    out.print(f"[bold]{comparison.before.ref} → {comparison.after.ref}[/]: {comparison.sentence()}")
    for table in tables_of(comparison):
        out.print()
        show_table(table.columns, table.rows, title=table.title)
        if table.note:
            out.print(f"[dim]{table.note}[/]")


def _as_dict(commit: "Commit") -> dict[str, Any]:
    return {"commit": commit.id, "parents": list(commit.parents), "message": commit.message,
            "metadata": dict(commit.metadata), "created_ms": commit.created_ms}  # fmt: skip


def _change(change: "Change") -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    about = {n: {"digest": e.digest, "size_bytes": e.size_bytes} if e else None for n, e in sides.items()}
    return {"path": change.path, "kind": change.kind, **about}


def _recipe(change: "Change") -> str:
    same = change.before and change.after and change.before.digest == change.after.digest
    return "same bytes, made by another recipe" if same else ""
