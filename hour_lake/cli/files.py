"""`ls` and `cat`: what lies in any version of the lake; `import`: taking objects in by reference."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from hour_lake.cli import complete
from hour_lake.cli.console import human_bytes, out, show_json, show_table
from hour_lake.cli.opened import Branch, Json, Ref, opened
from hour_lake.errors import LakeError

if TYPE_CHECKING:
    from hour_lake.lake.interface import Entry


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(ls)
    app.command()(cat)
    app.command("import")(import_objects)


def ls(
    path: Annotated[str, typer.Argument(help="below this path", autocompletion=complete.paths)] = "",
    ref: Ref = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="every object, not folders")] = False,
    json: Json = False,
) -> None:
    """Objects and folders below a path: size, digest, how many objects a folder holds."""
    settings, lake = opened()
    ref = ref or settings.branch
    commit = lake.resolve(ref)
    entries = list(_below(lake.entries(commit, path.rstrip("/")), path.rstrip("/")))
    start = 0 if recursive else len(path.rstrip("/")) + 1 if path.rstrip("/") else 0
    folders: dict[str, list[int]] = {}
    objects: list[Entry] = []
    for entry in entries:
        end = -1 if recursive else entry.path.find("/", start)
        if end < 0:
            objects.append(entry)
        else:
            folders.setdefault(entry.path[: end + 1], []).append(entry.size_bytes)
    if json:
        show_json({
            "ref": ref, "commit": commit,
            "folders": [{"path": p, "objects": len(sizes), "size_bytes": sum(sizes)} for p, sizes in folders.items()],
            "entries": [{"path": e.path, "size_bytes": e.size_bytes, "digest": e.digest, "metadata": dict(e.metadata)}
                        for e in objects],
        })  # fmt: skip
        return
    rows = [(p, human_bytes(sum(sizes)), f"{len(sizes)} objects") for p, sizes in folders.items()]
    rows += [(e.path, human_bytes(e.size_bytes), e.digest[:12]) for e in objects]
    show_table(("path", "size", "digest"), rows)
    total = sum(entry.size_bytes for entry in entries)
    out.print(f"[dim]{len(entries)} objects, {human_bytes(total)}, at {commit[:12]}[/]")


def cat(
    path: Annotated[str, typer.Argument(autocompletion=complete.paths)], ref: Ref = None
) -> None:  # fmt: skip
    """The bytes of one object, checked against their digest, to standard output."""
    settings, lake = opened()
    sys.stdout.buffer.write(lake.read(ref or settings.branch, path))


def import_objects(
    sources: Annotated[list[str], typer.Argument(help="addresses in the server's own object store: s3://raw/talk.mp4")],
    to: Annotated[str, typer.Option(help="the folder of the lake that they appear in, by their names")] = "raw",
    branch: Branch = None,
    json: Json = False,
) -> None:
    """Take raw videos into a lakeFS lake by reference: they are versioned from now on, and not a byte is copied."""
    from hour_lake.lake.lakefs.lake import LakefsLake

    settings, lake = opened()
    if not isinstance(lake, LakefsLake):
        raise LakeError("LAKE_EMBEDDED", "a lake of one machine has no object store to refer to",
                        value=settings.lake_address, fix="name the videos in a manifest")  # fmt: skip
    paths = {f"{to.strip('/')}/{source.rpartition('/')[2]}": source for source in sources}
    if len(paths) < len(sources):
        raise LakeError("PATH_INVALID", "two of the objects have the same name", value=", ".join(sorted(paths)),
                        fix="import them into different folders, one after the other")  # fmt: skip
    commit = lake.import_objects(branch or settings.branch, paths, {"assets": "import"}, message=f"import into {to}")
    if json:
        show_json({"commit": commit, "paths": paths})
    else:
        out.print(f"{len(paths)} objects in {to}/ of {branch or settings.branch}, at {commit[:12]}")


def _below(entries: "Iterable[Entry]", path: str) -> "Iterable[Entry]":
    """The object at a path and what is below it as a folder, not what merely begins alike."""
    return (entry for entry in entries if not path or entry.path == path or entry.path.startswith(f"{path}/"))
