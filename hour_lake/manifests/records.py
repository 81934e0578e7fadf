"""What the readers of all formats give: records with the place of each in its file, and places that make no record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from hour_lake.errors import ManifestError
from hour_lake.manifests.redact import redacted
from hour_lake.settings import Limits

# A file with more than this share of broken lines (and more than a handful) is another format, not a few typing errors.
BROKEN_SHARE = 0.01
BROKEN_LINES = 10
COLUMNS_LIMIT = 1000

Record = tuple[int, Mapping[str, Any]]


@dataclass
class Records:
    """What could be read of one file. `columns` are in their order, with the type where the format has one.

    `unit` is what the numbers count: lines of CSV and JSON lines, items of a JSON list, rows of Parquet.
    """

    file: str
    limits: Limits
    unit: Literal["line", "item", "row"] = "line"
    columns: dict[str, pa.DataType | None] = field(default_factory=dict[str, pa.DataType | None])
    records: list[Record] = field(default_factory=list[Record])
    refused: list[ManifestError] = field(default_factory=list[ManifestError])
    notices: list[str] = field(default_factory=list[str])

    def where(self, number: int) -> str:
        """The place of a record, for messages."""
        return f"{self.file}, {self.unit} {number}"

    def take(self, number: int, values: Mapping[str, Any]) -> None:
        """Keep a record; MANIFEST_LIMIT when it is one too many."""
        self.records.append((number, values))
        check_rows(len(self.records), self.limits, self.file)

    def refuse(self, number: int, message: str, value: object, fix: str) -> None:
        """Note what makes no record."""
        shown = redacted(str(value)[:1000])
        self.refused.append(ManifestError("ROW_PARSE", message, value=shown, where=self.where(number), fix=fix))

    def check_broken(self, of: int) -> None:
        """MANIFEST_FORMAT when so many of the lines make no record that the file must be something else."""
        if len(self.refused) > max(BROKEN_LINES, BROKEN_SHARE * of):
            raise ManifestError("MANIFEST_FORMAT", f"{len(self.refused)} of {of} {self.unit}s make no row",
                                value=str(self.refused[0]), where=self.file,
                                fix="check separators and quotes")  # fmt: skip


def check_rows(count: int, limits: Limits, file: str) -> None:
    """MANIFEST_LIMIT for too many rows."""
    if count > limits.max_manifest_rows:
        raise ManifestError("MANIFEST_LIMIT", "the manifest has too many rows", value=f"{count} rows", where=file,
                            fix=f"at most {limits.max_manifest_rows}: split it, or raise the limit")  # fmt: skip


def check_bytes(size: int, limits: Limits, file: str) -> None:
    """MANIFEST_LIMIT for a file, or an unpacked one, that is too large."""
    if size > limits.max_manifest_bytes:
        raise ManifestError("MANIFEST_LIMIT", "the manifest is too large", value=f"{size} bytes", where=file,
                            fix=f"at most {limits.max_manifest_bytes}: split it, or raise the limit")  # fmt: skip


def check_columns(count: int, file: str) -> None:
    """MANIFEST_LIMIT for too many columns."""
    if count > COLUMNS_LIMIT:
        raise ManifestError("MANIFEST_LIMIT", "the manifest has too many columns", value=f"{count} columns", where=file,
                            fix=f"at most {COLUMNS_LIMIT}")  # fmt: skip
