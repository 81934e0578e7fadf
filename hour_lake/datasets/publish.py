"""Publishing: index and document committed, and a tag that never moves; what is unchanged stays the version it is."""

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hour_lake.datasets.compose import Composed, compose
from hour_lake.datasets.spec import DatasetSpec, is_dataset_name, parse_spec
from hour_lake.errors import DatasetError, LakeError
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer

TAG = re.compile(r"dataset/([a-z][a-z0-9_]*)/v([1-9][0-9]*)")


@dataclass(frozen=True)
class Version:
    """One published version."""

    name: str
    number: int
    commit_id: str
    digest: str  # sha256 of index.parquet
    segments: int
    seconds: float
    is_new: bool

    @property
    def tag(self) -> str:
        """`dataset/<name>/v<number>`, a ref of the lake."""
        return f"dataset/{self.name}/v{self.number}"


def spec_path(name: str) -> str:
    """Where the specification that is in force lies in the lake."""
    return f"datasets/{name}/spec.yaml"


def pin_spec(lake: Lake, branch: str, data: bytes, *, where: str) -> DatasetSpec:
    """Check a specification and keep it on the branch, so that a run and everyone after it reads the same text."""
    spec = parse_spec(data, where=where)
    with lake.transaction(branch, {"assets": "dataset"}, message=f"specification of {spec.name}") as transaction:
        transaction.put(spec_path(spec.name), data)
    return spec


def compose_and_publish(
    lake: Lake,
    branch: str,
    name: str,
    layers: Mapping[str, Layer],
    *,
    fence: Callable[[], None] | None = None,
) -> Version:
    """Compose the pinned specification and publish it; the latest version again if nothing would differ."""
    try:
        data = lake.read(branch, spec_path(name))
    except LakeError as error:
        raise DatasetError("DATASET_MISSING", "no specification of this name is pinned", value=name, where=branch,
                           fix="hour-lake dataset compose FILE") from error  # fmt: skip
    spec = parse_spec(data, where=spec_path(name))
    return publish(lake, branch, compose(lake, spec, ref=branch, layers=layers), fence=fence)


def publish(lake: Lake, branch: str, composed: Composed, *, fence: Callable[[], None] | None = None) -> Version:
    """Commit and tag. Of two that publish at once, the second takes the next number."""
    folder = f"datasets/{composed.spec.name}"
    last = _last(lake, composed.spec.name)
    if last is not None and _same(lake, last, composed):
        return _version(lake, composed.spec.name, last[0], is_new=False)
    metadata = {"assets": "dataset", "dataset": composed.spec.name, "source_commit": composed.commit_id}
    with lake.transaction(branch, metadata, message=f"dataset {composed.spec.name}", fence=fence) as transaction:
        transaction.put(f"{folder}/index.parquet", composed.index_bytes)
        transaction.put(f"{folder}/dataset.json", composed.document_bytes)
    number = _tag_next(lake, composed, transaction.commit_id, after=last[0] if last else 0)
    return _version(lake, composed.spec.name, number, is_new=True)


def read_card(lake: Lake, name: str) -> dict[str, Any]:
    """The document of `NAME` (its latest version) or `NAME@vN`, with `version`, `tag` and `commit`."""
    found = find_version(lake, name)
    document = json.loads(lake.read(found.commit_id, f"datasets/{found.name}/dataset.json"))
    return {
        **document,
        "version": found.number,
        "tag": found.tag,
        "commit": found.commit_id,
        "index_sha256": found.digest,
    }


def read_index(lake: Lake, version: Version) -> pa.Table:
    """The index of a version: the columns of `compose.INDEX`, page checksums verified."""
    data = lake.read(version.commit_id, f"datasets/{version.name}/index.parquet")
    return pq.read_table(io.BytesIO(data), page_checksum_verification=True)


def find_version(lake: Lake, name: str) -> Version:
    """The version that `NAME` or `NAME@vN` means; DATASET_MISSING lists what there is."""
    plain, _, wanted = name.partition("@")
    numbers = [number for number, _ in _versions(lake, plain)]
    number = numbers[-1] if numbers and not wanted else next((n for n in numbers if f"v{n}" == wanted), None)
    if number is None:
        known = sorted(f"{match[1]}@v{match[2]}" for match in map(TAG.fullmatch, lake.tags()) if match)
        fix = f"there are: {', '.join(known)}" if known else "hour-lake dataset compose FILE"
        raise DatasetError("DATASET_MISSING", "no such version of a dataset", value=name, fix=fix)
    return _version(lake, plain, number, is_new=False)


def _tag_next(lake: Lake, composed: Composed, commit: str, *, after: int) -> int:
    for number in count(after + 1):
        tag = f"dataset/{composed.spec.name}/v{number}"
        try:
            lake.tag(tag, commit)
        except LakeError as error:
            if error.code != "TAG_IMMUTABLE":
                raise
            continue
        files = (file for row in composed.index.to_pylist() for file in row["files"])
        if any((found := lake.entry(commit, f["path"])) is None or found.digest != f["sha256"] for f in files):
            lake.tag(f"{tag}/source", composed.commit_id)  # the branch has moved on: keeps what was chosen alive
        return number
    raise AssertionError


def _version(lake: Lake, name: str, number: int, *, is_new: bool) -> Version:
    commit = lake.resolve(f"dataset/{name}/v{number}")
    entry = lake.entry(commit, f"datasets/{name}/index.parquet")
    document = json.loads(lake.read(commit, f"datasets/{name}/dataset.json"))
    if entry is None:
        raise LakeError("INTEGRITY", "a dataset's tag has no index", value=name, where=commit)
    return Version(name, number, commit, entry.digest, document["segments"], document["seconds"], is_new)


def _versions(lake: Lake, name: str) -> list[tuple[int, str]]:
    if not is_dataset_name(name):
        return []
    found = [(match, commit) for tag, commit in lake.tags().items() if (match := TAG.fullmatch(tag))]
    return sorted((int(match[2]), commit) for match, commit in found if match[1] == name)


def _last(lake: Lake, name: str) -> tuple[int, str] | None:
    versions = _versions(lake, name)
    return versions[-1] if versions else None


def _same(lake: Lake, last: tuple[int, str], composed: Composed) -> bool:
    """Whether a version says the same; the commit it was made from may be an older one that says the same."""
    folder = f"datasets/{composed.spec.name}"
    if lake.read(last[1], f"{folder}/index.parquet") != composed.index_bytes:
        return False
    before = json.loads(lake.read(last[1], f"{folder}/dataset.json"))
    return {**before, "source": None} == {**json.loads(composed.document_bytes), "source": None}
