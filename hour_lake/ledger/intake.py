"""Manifests as they come in: the file is pinned in the lake byte for byte, and everything later reads that copy."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hour_lake.errors import LakeError, ManifestError
from hour_lake.lake.interface import Lake
from hour_lake.ledger.paths import manifest_source_path
from hour_lake.manifests.read import Manifest, read_manifest
from hour_lake.manifests.watch import partition_name
from hour_lake.settings import Settings


@dataclass(frozen=True)
class Pinned:
    """A manifest read from its pinned copy. `folder` is where the file lay: relative pointers start there."""

    name: str
    folder: Path
    sha256: str
    manifest: Manifest


def pin(lake: Lake, branch: str, file: Path) -> tuple[str, bool]:
    """Keep a manifest file in the lake; gives its partition name and whether it is new or changed."""
    if not file.is_file():
        raise ManifestError("MANIFEST_MISSING", "there is no such file", value=file, fix="check the path")
    name, data = partition_name(file), file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    known = lake.entry(branch, manifest_source_path(name))
    metadata = {"file": file.name, "folder": str(file.resolve().parent)}
    if known is not None and known.digest == digest and dict(known.metadata) == metadata:
        return name, False
    with lake.transaction(branch, {"manifest": name}, message=f"manifest {name} came in") as transaction:
        transaction.put(manifest_source_path(name), data, metadata)
    return name, True


def read_pinned(lake: Lake, branch: str, name: str, settings: Settings) -> Pinned:
    """The rows of a pinned manifest, checked."""
    entry = lake.entry(branch, manifest_source_path(name))
    if entry is None:
        raise LakeError(
            "MANIFEST_MISSING", "no such manifest came in on this branch", value=name, where=branch,
            fix="run `hour-lake ingest FILE`",
        )  # fmt: skip
    data = lake.read(branch, entry.path)
    manifest = read_manifest(data, name=entry.metadata["file"], limits=settings.limits, require=settings.require)
    return Pinned(name, Path(entry.metadata["folder"]), entry.digest, manifest)
