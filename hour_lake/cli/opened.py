"""What commands about the lake itself open: the lake that is there, never a new one."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from hour_lake.cli import complete

if TYPE_CHECKING:
    from hour_lake.lake.interface import Lake
    from hour_lake.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Ref = Annotated[
    str | None,
    typer.Option(help="branch, tag or commit; default: the settings' branch", autocompletion=complete.refs),
]
Branch = Annotated[
    str | None, typer.Option(help="lake branch; default: the settings' branch", autocompletion=complete.branches)
]


class Opened(NamedTuple):
    """The settings in force and their lake."""

    settings: "Settings"
    lake: "Lake"


def opened() -> Opened:
    """STORE_MISSING where there is no lake."""
    from hour_lake.lake.open import open_lake_of
    from hour_lake.settings import Settings

    settings = Settings.load()
    return Opened(settings, open_lake_of(settings, create=False))
