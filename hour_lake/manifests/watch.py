"""Manifest files in a watched folder: which there are, and the partition that each of them becomes."""

from collections import defaultdict
from pathlib import Path

from hour_lake.errors import ManifestError
from hour_lake.identity import video_id_from

SUFFIXES = frozenset({".csv", ".jsonl", ".ndjson", ".json", ".parquet"})


def manifest_files(folder: Path) -> list[Path]:
    """The manifests directly in a folder, by name; MANIFEST_NAME when two of them would be one partition."""
    if not folder.is_dir():
        return []
    found = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES)
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in found:
        by_name[partition_name(path)].append(path.name)
    for name, files in by_name.items():
        if len(files) > 1:
            raise ManifestError("MANIFEST_NAME", "two manifests of one name", value=", ".join(files), where=str(folder),
                                fix=f"rename one: both would be the partition {name}")  # fmt: skip
    return found


def partition_name(file: Path) -> str:
    """The partition key of a manifest file: its name without the suffix, in the grammar of video ids."""
    return video_id_from(file.stem, where=str(file))
