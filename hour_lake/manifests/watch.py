"""Manifest files in a watched folder: which there are, and the partition that each of them becomes."""

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from hour_lake.errors import ManifestError
from hour_lake.identity import video_id_from
from hour_lake.manifests.formats import SUFFIXES


@dataclass
class Watched:
    """What lies in a watched folder: files to take in by their partition, and files that cannot be, each with why."""

    files: dict[str, Path] = field(default_factory=dict[str, Path])
    refused: list[ManifestError] = field(default_factory=list[ManifestError])


def watched(folder: Path) -> Watched:
    """The manifests directly in a folder, by partition; hidden files and other kinds of files are passed over.

    Refused are names that no one can have meant (ID_INVALID) and files that would share a partition (MANIFEST_NAME).
    """
    found, by_name = Watched(), defaultdict[str, list[Path]](list)
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not path.name.startswith((".", "~")) and path.suffix[1:].lower() in SUFFIXES and path.is_file():
            try:
                by_name[partition_name(path)].append(path)
            except ManifestError as error:
                found.refused.append(error)
    for name, paths in by_name.items():
        if len(paths) == 1:
            found.files[name] = paths[0]
            continue
        names = ", ".join(path.name for path in paths)
        found.refused += [
            ManifestError("MANIFEST_NAME", "manifests of one name", value=names, where=str(path),
                          fix=f"rename all but one: each would be the partition {name}")
            for path in paths
        ]  # fmt: skip
    return found


def partition_name(file: Path) -> str:
    """The partition key of a manifest file: its name without the suffix, in the grammar of video ids."""
    # Some file systems give names in decomposed form whatever the user typed.
    return video_id_from(unicodedata.normalize("NFC", file.stem), where=str(file))
