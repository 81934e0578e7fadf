"""`init`, `sample`, `models`, `version`: getting a machine ready."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hour_lake import __version__
from hour_lake.cli.console import err, out, show_json, show_table

if TYPE_CHECKING:
    from hour_lake.models.registry import Model

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
models_app = typer.Typer(no_args_is_help=True, help="Weights: list, pull, verify, licences.")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(init)
    app.command()(sample)
    app.command()(version)


TEMPLATE = """\
# Settings of Hour Lake; every key has a default, an unknown key is an error.
home: .hour_lake # lake, models, Dagster's history, scratch
branch: main # where runs write when they do not say otherwise
manifests: manifests # watched: a new or changed manifest here starts a run
profile: commercial # weights whose licence forbids commercial use are refused; `research` allows them
"""


def init(folder: Annotated[Path, typer.Argument(help="where the settings file goes")] = Path()) -> None:
    """Make a settings file, an empty lake and a Dagster instance here; what exists is left alone."""
    from hour_lake.ledger.project import Project
    from hour_lake.media.tools import check_tools
    from hour_lake.orchestration.instance import prepare_instance
    from hour_lake.settings import FILE_NAME, Settings

    check_tools()
    file = folder.resolve() / FILE_NAME
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEMPLATE)
    settings = Settings.load(file)
    settings.manifests.mkdir(parents=True, exist_ok=True)
    home = prepare_instance(settings, file.parent)
    Project.open(settings)
    out.print(f"settings {file}\nlake     {settings.lake_address}\ninstance {home}")


def sample(folder: Annotated[Path, typer.Argument(help="where the videos go")] = Path("sample")) -> None:
    """Make the sample corpus: short videos of a talking presenter, a manifest, and the truth about them."""
    from rich.progress import Progress

    from hour_lake.sample.corpus import make_corpus

    with Progress(console=err, disable=not err.is_terminal, transient=True) as progress:
        bar = progress.add_task("sample corpus", total=None)
        manifest = make_corpus(folder, progress=lambda done, total: progress.update(bar, completed=done, total=total))
    out.print(f"manifest {manifest}\nnext     hour-lake ingest {manifest}")


def version(json: Json = False) -> None:
    """The version of Hour Lake and of what it rests on."""
    from importlib.metadata import version as of

    names = ("dagster", "duckdb", "pyarrow", "av", "numpy", "ai-edge-litert", "highspy")
    found = {"hour-lake": __version__, **{name: of(name) for name in names}}
    if json:
        show_json(found)
    else:
        show_table(("package", "version"), list(found.items()))


@models_app.command("list")
def list_models(json: Json = False) -> None:
    """Every model of the registry: licence, size, whether it is here."""
    from hour_lake.models.registry import registry
    from hour_lake.models.store import is_here, models_folder
    from hour_lake.settings import Settings

    folder = models_folder(Settings.load().home)
    rows = [(m.name, m.licence, "yes" if m.commercial else "no", m.size_bytes, is_here(m, folder), m.purpose)
            for m in registry().values()]  # fmt: skip
    columns = ("model", "licence", "commercial", "bytes", "here", "for")
    if json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        show_table(columns, rows)


@models_app.command("pull")
def pull_models(
    names: Annotated[list[str] | None, typer.Argument(help="default: what layers use")] = None,
    json: Json = False,
) -> None:
    """Download weights and check their digests; what is here already is only checked."""
    from hour_lake.ledger.project import Project
    from hour_lake.models.store import models_folder, pull
    from hour_lake.settings import Settings

    settings = Settings.load()
    wanted = names or sorted(Project.open(settings).models)
    folder, downloaded = models_folder(settings.home), list[str]()

    def progress(name: str) -> None:
        downloaded.append(name)
        err.print(f"pulling {name}")

    pulled = pull(wanted, folder, progress=progress)
    if json:
        show_json([{**_checked(one, folder), "downloaded": one.name in downloaded} for one in pulled])
    else:
        out.print(f"{len(pulled)} models pulled; all digests are right")


@models_app.command("licences")
def licences(json: Json = False) -> None:
    """Under which licence every weight stands, who runs it here, and whether this profile allows it."""
    from hour_lake.ledger.project import Project
    from hour_lake.models.registry import registry
    from hour_lake.models.store import allowed
    from hour_lake.settings import Settings

    project = Project.open(Settings.load())
    rows = [(m.name, m.licence, m.commercial, list(project.models.get(m.name, ())), allowed(m))
            for m in registry().values()]  # fmt: skip
    columns = ("model", "licence", "commercial", "used_by", "allowed")
    if json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        words = {True: "yes", False: "no"}
        show_table(columns, [(n, of, words[c], ", ".join(by) or "-", words[a]) for n, of, c, by, a in rows])


@models_app.command("verify")
def verify_models(json: Json = False) -> None:
    """Check the digest of every model that is here."""
    from hour_lake.models.store import models_folder, verify
    from hour_lake.settings import Settings

    folder = models_folder(Settings.load().home)
    found = verify(folder)
    if json:
        show_json([_checked(one, folder) for one in found])
    else:
        out.print(f"{len(found)} models verified")


def _checked(one: "Model", folder: Path) -> dict[str, Any]:
    """A model whose file has just been found right."""
    from hour_lake.models.store import file_of

    return {"model": one.name, "sha256": one.sha256, "bytes": one.size_bytes, "licence": one.licence,
            "file": str(file_of(one, folder))}  # fmt: skip
