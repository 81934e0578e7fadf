"""A manifest, read whole: rows that can be taken, rows that are refused each with its reason, and notices."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from hour_lake.errors import HourLakeError, ManifestError
from hour_lake.manifests.formats import read_records
from hour_lake.manifests.records import Records
from hour_lake.manifests.row import KNOWN, checked_row
from hour_lake.manifests.row import Row as Row
from hour_lake.manifests.types import typed
from hour_lake.settings import Limits

MISSPELT = {"license": "licence", "licensing": "licence", "path": "source", "url": "source", "uri": "source",
            "sha_256": "sha256", "checksum": "sha256", "start": "start_seconds", "stop": "stop_seconds",
            "end": "stop_seconds", "end_seconds": "stop_seconds", "end_ms": "stop_ms"}  # fmt: skip


@dataclass
class Manifest:
    """Rows by line; `refused` tells line, column, value and fix of those that are not in; nothing is lost.

    `extras` are the columns beyond ours, in their order; a type is None where the format has none (JSON).
    """

    rows: list[Row] = field(default_factory=list[Row])
    refused: list[HourLakeError] = field(default_factory=list[HourLakeError])
    notices: list[str] = field(default_factory=list[str])
    extras: dict[str, pa.DataType | None] = field(default_factory=dict[str, pa.DataType | None])


def read_manifest(data: bytes, *, name: str, limits: Limits, require: Sequence[str] = ()) -> Manifest:
    """The rows of a manifest file called `name`, of which the suffix says the format.

    A file that cannot be read is refused whole: MANIFEST_EMPTY, MANIFEST_SCHEMA, MANIFEST_FORMAT, MANIFEST_ENCODING,
    MANIFEST_CORRUPT, MANIFEST_LIMIT. `require` names columns that every row must fill (POLICY_REFUSED).
    """
    found = read_records(data, file=name, limits=limits)
    extras = {column: kind for column, kind in found.columns.items() if column not in KNOWN}
    manifest = Manifest(refused=list(found.refused), notices=found.notices + _hints(found), extras=extras)
    for line, values in found.records:
        try:
            manifest.rows.append(checked_row(values, line=line, where=found.where(line), require=require))
        except HourLakeError as error:
            manifest.refused.append(error)
    _drop_duplicates(manifest, found)
    if name.lower().endswith(".csv"):
        _give_types(manifest)
    return manifest


def _hints(found: Records) -> list[str]:
    """Columns that are kept as they are, though one of ours was probably meant."""
    missed = [(name, MISSPELT[fold]) for name in found.columns if (fold := name.strip().lower()) in MISSPELT]
    return [
        f"the column {name} is kept, but not read as {ours}: if that is meant, rename it"
        for name, ours in missed if ours not in found.columns
    ]  # fmt: skip


def _drop_duplicates(manifest: Manifest, found: Records) -> None:
    """The same row twice is one row and a notice; different rows of one id are all refused: which one is meant?"""
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in manifest.rows:
        by_id[row.video_id].append(row)
    manifest.rows = []
    for video_id, rows in by_id.items():
        places = ", ".join(str(row.line) for row in rows)
        if len(rows) == 1 or _all_same(rows):
            manifest.rows.append(rows[0])
            if len(rows) > 1:
                manifest.notices.append(f"{video_id} stands {len(rows)} times ({found.unit}s {places})")
            continue
        manifest.refused += [
            ManifestError("MANIFEST_DUP_CONFLICT", "rows with this id differ", value=row.raw_id,
                          where=f"{found.where(row.line)}, column id",
                          fix=f"{found.unit}s {places}: keep one, or give it another id")
            for row in rows
        ]  # fmt: skip


def _all_same(rows: Sequence[Row]) -> bool:
    # By what they print: a value that is not a number (NaN) does not equal itself.
    return len({repr(replace(row, line=0)) for row in rows}) == 1


def _give_types(manifest: Manifest) -> None:
    columns = {name: typed([row.extra[name] for row in manifest.rows]) for name in manifest.extras}
    manifest.extras = {name: kind for name, (_, kind) in columns.items()}
    manifest.rows = [
        replace(row, extra={name: values[at] for name, (values, _) in columns.items()})
        for at, row in enumerate(manifest.rows)
    ]
