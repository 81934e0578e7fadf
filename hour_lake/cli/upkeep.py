"""`gc`, `fsck`, `doctor`: what nothing needs, what is damaged, what the dead left behind."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from hour_lake.cli.console import human_bytes, out, show_json, show_table
from hour_lake.cli.opened import Json, opened
from hour_lake.errors import LakeError

if TYPE_CHECKING:
    from hour_lake.lake.embedded import EmbeddedLake


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(gc)
    app.command()(fsck)
    app.command()(doctor)


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="remove it; without this nothing is touched")] = False,
    grace_hours: Annotated[float, typer.Option(min=0.0, help="what is younger is kept")] = 24.0,
    json: Json = False,
) -> None:
    """What no branch, tag, young commit, open transaction or reader reaches; only counted unless --delete is given."""
    from hour_lake.lake.gc import collect

    found = collect(
        _embedded("it collects by the retention rules of the repository, see its documentation"),
        grace_seconds=grace_hours * 3600,
        dry_run=not delete,
    )
    if json:
        show_json(asdict(found))
        return
    amounts = {"commits": found.commits, "tree nodes": found.nodes, "metadata blocks": found.metadata,
               "objects": found.objects, "kept, too young: objects": found.young_objects}  # fmt: skip
    show_table(("what", "count", "size"), [(name, a.count, human_bytes(a.bytes)) for name, a in amounts.items()])
    out.print(
        f"{found.young_commits} young commits kept, {found.staging_folders} leftovers of killed writers, "
        f"{found.dead_pins} pins of dead readers, {human_bytes(found.free_bytes)} free in the database"
    )
    out.print("removed" if delete else "nothing was removed: add --delete")


def fsck(
    repair: Annotated[bool, typer.Option("--repair", help="restore refs, mend what can be mended")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="sizes of objects only, not their bytes")] = False,
    json: Json = False,
) -> None:
    """Check every digest of every commit; name the objects, commits and datasets that damage reaches.

    Exit status 2: there are problems (also when they were repaired just now).
    """
    from hour_lake.lake.fsck import check

    found = check(
        _embedded("every read is checked against its digest; the server checks its own store"),
        quick=quick,
        repair=repair,
    )
    if json:
        show_json(asdict(found))
    else:
        rows = [(p.code, p.message, p.value[:16], ", ".join(p.paths[:3]), ", ".join(p.refs[:4]), ", ".join(p.datasets))
                for p in found.problems]  # fmt: skip
        if rows:
            show_table(("code", "problem", "value", "paths", "refs", "datasets"), rows)
        for sentence in found.repaired:
            out.print(f"repaired: {sentence}")
        out.print(
            f"{found.commits} commits, {found.nodes} tree nodes, {found.metadata_blocks} metadata blocks, "
            f"{found.objects} objects ({human_bytes(found.object_bytes)}): {len(found.problems)} problems"
        )
    if found.problems:
        raise typer.Exit(2)


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="report dead runs as failed, sweep leftovers")] = False,
    json: Json = False,
) -> None:
    """Runs that Dagster calls active though nobody works on them, leftovers of killed writers, pins of dead readers.

    Exit status 2: something was found and not fixed.
    """
    from hour_lake.ledger.project import Project
    from hour_lake.orchestration.doctor import examine

    found = examine(Project(*opened()), fix=fix)
    if json:
        show_json(asdict(found))
    else:
        if found.runs:
            show_table(("run", "job", "status", "why"), [(r.run_id, r.job, r.status, r.why) for r in found.runs])
        out.print(f"{len(found.runs)} dead runs, {found.staging_folders} leftovers of killed writers, "
                  f"{found.dead_pins} pins of dead readers" + ("; all cleared up" if found.fixed else ""))  # fmt: skip
    if not found.fixed and (found.runs or found.staging_folders or found.dead_pins):
        raise typer.Exit(2)


def _embedded(instead: str) -> "EmbeddedLake":
    """The lake, if its upkeep is ours; LAKE_SERVED when a server does that, with what there is instead."""
    from hour_lake.lake.embedded import EmbeddedLake

    settings, lake = opened()
    if not isinstance(lake, EmbeddedLake):
        raise LakeError(
            "LAKE_SERVED",
            "a server keeps this lake in order",
            value=settings.lake_address,
            fix=instead,
        )
    return lake
