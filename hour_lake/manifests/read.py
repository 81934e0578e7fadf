"""A manifest, read whole: rows that can be taken, rows that are refused each with its reason, and notices."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from hour_lake.errors import ManifestError
from hour_lake.manifests.records import read_records
from hour_lake.manifests.row import Row as Row
from hour_lake.manifests.row import checked_row
from hour_lake.settings import Limits

# A file with more than this share of broken lines (and more than a handful) is another format, not a few typing errors.
BROKEN_SHARE = 0.01
BROKEN_LINES = 10


@dataclass
class Manifest:
    """Rows by line; `refused` tells line, column, value and fix of those that are not in; nothing is lost."""

    rows: list[Row] = field(default_factory=list[Row])
    refused: list[ManifestError] = field(default_factory=list[ManifestError])
    notices: list[str] = field(default_factory=list[str])


def read_manifest(data: bytes, *, name: str, limits: Limits, require: Sequence[str] = ()) -> Manifest:
    """The rows of a manifest file called `name`.

    A file that cannot be read is refused whole: MANIFEST_EMPTY, MANIFEST_SCHEMA, MANIFEST_FORMAT, MANIFEST_ENCODING,
    MANIFEST_CORRUPT, MANIFEST_LIMIT. `require` names columns that every row must fill (POLICY_REFUSED).
    """
    if len(data) > limits.max_manifest_bytes:
        raise ManifestError("MANIFEST_LIMIT", "the manifest is too large", value=f"{len(data)} bytes", where=name,
                            fix=f"at most {limits.max_manifest_bytes} bytes: split it")  # fmt: skip
    found = read_records(data, file=name)
    count = len(found.records) + len(found.refused)
    if count > limits.max_manifest_rows:
        raise ManifestError("MANIFEST_LIMIT", "the manifest has too many rows", value=f"{count} rows", where=name,
                            fix=f"at most {limits.max_manifest_rows}: split it")  # fmt: skip
    if len(found.refused) > max(BROKEN_LINES, BROKEN_SHARE * count):
        raise ManifestError("MANIFEST_FORMAT", f"{len(found.refused)} of {count} lines make no row", where=name,
                            value=str(found.refused[0]), fix="check separators and quotes")  # fmt: skip
    manifest = Manifest(refused=list(found.refused))
    for line, values in found.records:
        try:
            manifest.rows.append(checked_row(values, line=line, file=name, require=require))
        except ManifestError as error:
            manifest.refused.append(error)
    _without_duplicates(manifest, name)
    return manifest


def _without_duplicates(manifest: Manifest, name: str) -> None:
    """The same row twice is one row and a notice; different rows of one id are all refused: which one is meant?"""
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in manifest.rows:
        by_id[row.video_id].append(row)
    manifest.rows = []
    for video_id, rows in by_id.items():
        lines = ", ".join(str(row.line) for row in rows)
        if _all_same(rows):
            manifest.rows.append(rows[0])
            manifest.notices += [f"{video_id} stands {len(rows)} times (lines {lines})"] if len(rows) > 1 else []
            continue
        manifest.refused += [
            ManifestError("MANIFEST_DUP_CONFLICT", "rows with this id differ", value=row.raw_id,
                          where=f"{name}, line {row.line}", fix=f"lines {lines}: keep one, or give it another id")
            for row in rows
        ]  # fmt: skip


def _all_same(rows: Iterable[Row]) -> bool:
    first, *others = (replace(row, line=0) for row in rows)
    return all(other == first for other in others)
