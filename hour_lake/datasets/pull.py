"""Pulling a version: its files and its index, byte for byte the same each time, every digest checked."""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow.parquet as pq

from hour_lake.datasets.publish import Version, find_version
from hour_lake.errors import DatasetError
from hour_lake.lake.interface import Lake

ORIGIN = ".hour_lake_dataset"  # which version a folder holds, so that two are never mixed


@dataclass(frozen=True)
class Pulled:
    """What lies in the folder now; `written` of the files were not there before."""

    files: int
    bytes: int
    written: int


@dataclass(frozen=True)
class _File:
    path: str  # in the folder
    sha256: str
    read: Callable[[], bytes]


def pull_dataset(lake: Lake, name: str, folder: Path) -> Pulled:
    """`NAME` or `NAME@vN` into a folder; what is there and right is not written again, so a broken pull goes on.

        folder/dataset.json  index.parquet  train/clip/<segment>.mp4  train/audio/<segment>.wav ...

    Without a split the kinds lie at the top. INTEGRITY when an object is not what the index says, DATASET_FOLDER when
    the folder holds something else.
    """
    version = find_version(lake, name)
    _claim(folder, version)
    files = written = size = 0
    with lake.pinned(version.commit_id):
        for file in _files(lake, version):
            target = folder / file.path
            if not _is_there(target, file.sha256):
                _write(target, _checked(file, version))
                written += 1
            files, size = files + 1, size + target.stat().st_size
    return Pulled(files, size, written)


def _files(lake: Lake, version: Version) -> Iterator[_File]:
    base = f"datasets/{version.name}"
    index, document = (lake.read(version.commit_id, f"{base}/{name}") for name in ("index.parquet", "dataset.json"))
    source = json.loads(document)["source"]["commit"]
    for row in pq.read_table(io.BytesIO(index), page_checksum_verification=True).to_pylist():
        for file in row["files"]:
            suffix = PurePosixPath(file["path"]).suffix
            path = PurePosixPath(row["split"] or "") / file["kind"] / f"{row['segment_id']}{suffix}"
            yield _File(str(path), file["sha256"], lambda at=file["path"]: lake.read(source, at))
    # Last, so that a folder with an index is whole.
    for name, data in (("index.parquet", index), ("dataset.json", document)):
        yield _File(name, hashlib.sha256(data).hexdigest(), lambda data=data: data)


def _checked(file: _File, version: Version) -> bytes:
    data = file.read()
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise DatasetError("INTEGRITY", "an object is not what the index says", value=file.path, where=version.tag,
                           fix="restore it from a copy")  # fmt: skip
    return data


def _claim(folder: Path, version: Version) -> None:
    mark = folder / ORIGIN
    text = f"{version.tag} {version.digest}\n"
    if folder.is_dir() and any(folder.iterdir()):
        if not mark.is_file() or mark.read_text() != text:
            raise DatasetError("DATASET_FOLDER", f"the folder holds something other than {version.tag}",
                               value=str(folder), fix="name a new or an empty folder")  # fmt: skip
        return
    folder.mkdir(parents=True, exist_ok=True)
    _write(mark, text.encode())


def _is_there(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == sha256


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: a file of this name is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    part.replace(path)
