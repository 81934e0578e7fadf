"""What the shell completes: names of the lake and of layers; quick, and silent where there is no lake."""

import os
import pkgutil
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from hour_lake.errors import HourLakeError
from hour_lake.lake.interface import Lake

PATHS_LOOKED_AT = 2000
LIMITS = ("flips(", "changed(", "shift(", "disqualified(")


def branches(incomplete: str) -> list[str]:
    """Branches of the lake."""
    lake = _lake()
    return _starting(lake.branches(), incomplete) if lake else []


def tags(incomplete: str) -> list[str]:
    """Tags of the lake."""
    lake = _lake()
    return _starting(lake.tags(), incomplete) if lake else []


def refs(incomplete: str) -> list[str]:
    """Branches and tags; commits are too many."""
    return branches(incomplete) + tags(incomplete)


def datasets(incomplete: str) -> list[str]:
    """Tagged versions, as `talks@v1`."""
    parts = (tag.split("/") for tag in tags("dataset/"))
    return _starting((f"{p[1]}@{p[2]}" for p in parts if len(p) == 3), incomplete)


def segments(incomplete: str) -> list[str]:
    """Planned segments of the settings' branch."""
    from hour_lake.ledger.plans import all_segments
    from hour_lake.settings import Settings

    lake = _lake()
    if lake is None:
        return []
    with suppress(HourLakeError):
        found = all_segments(lake, Settings.load().branch, f"{incomplete}*")
        return [segment.id for segment in found[:PATHS_LOOKED_AT]]
    return []


def layers(incomplete: str) -> list[str]:
    """Files that declare layers, by name; they are not imported, which would take seconds."""
    import hour_lake.layers

    folders = [*hour_lake.layers.__path__, *filter(None, os.environ.get("HOUR_LAKE_LAYERS", "").split(os.pathsep))]
    names = (module.name for module in pkgutil.iter_modules(folders))
    return _starting((name for name in names if not name.startswith("_")), incomplete)


def paths(incomplete: str) -> list[str]:
    """The next part of a path on the settings' branch."""
    from hour_lake.settings import Settings

    lake = _lake()
    if lake is None:
        return []
    with suppress(HourLakeError):
        found = islice(lake.entries(Settings.load().branch, incomplete), PATHS_LOOKED_AT)
        return sorted({_next_part(entry.path, incomplete) for entry in found})
    return []


def limits(incomplete: str) -> list[str]:
    """How a limit begins."""
    return _starting(LIMITS, incomplete)


def _next_part(path: str, incomplete: str) -> str:
    end = path.find("/", len(incomplete))
    return path if end < 0 else path[: end + 1]


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def _lake() -> Lake | None:
    """The lake in force if it is on this machine; nobody waits for a network, or reads an error, while typing."""
    from hour_lake.lake.open import open_lake
    from hour_lake.settings import Settings

    with suppress(HourLakeError, OSError):
        address = Settings.load().lake_address
        return None if "://" in address or not Path(address).is_dir() else open_lake(address, create=False)
    return None
