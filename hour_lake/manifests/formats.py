"""From the bytes of a manifest to records: which format it is, and whether its columns can be taken."""

from collections.abc import Callable, Iterable, Mapping

from hour_lake.errors import ManifestError
from hour_lake.manifests.csv_rows import csv_records
from hour_lake.manifests.json_rows import json_line_records, json_list_records
from hour_lake.manifests.parquet_rows import parquet_records
from hour_lake.manifests.records import Records, check_bytes, check_columns
from hour_lake.manifests.row import KNOWN, RANGE_UNITS
from hour_lake.settings import Limits

SUFFIXES = {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "json": "json", "parquet": "parquet"}
TEXT_READERS: Mapping[str, Callable[[str, str, Limits], Records]] = {
    "csv": csv_records, "jsonl": json_line_records, "json": json_list_records,
}  # fmt: skip
MAGIC = {
    b"PAR1": "parquet", b"PK\x03\x04": "a zip archive (a spreadsheet?)", b"\x1f\x8b": "gzip", b"<!": "html",
    b"<html": "html", b"SQLite format 3": "sqlite",
}  # fmt: skip
# A JSON list may also begin wrongly: what is the matter is told better by its reader.
FITTING = {"parquet": {"parquet"}, "csv": {"text"}, "jsonl": {"text", "json"}, "json": {"text", "json"}}
ADDED = ("video_id", "raw_id", "line")  # columns of the table that a manifest cannot bring


def read_records(data: bytes, *, file: str, limits: Limits) -> Records:
    """Records in the format that suffix and content agree on.

    MANIFEST_EMPTY, MANIFEST_LIMIT, MANIFEST_FORMAT, MANIFEST_ENCODING, MANIFEST_CORRUPT, MANIFEST_SCHEMA.
    """
    check_bytes(len(data), limits, file)
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise ManifestError("MANIFEST_EMPTY", "the manifest is empty", where=file, fix="write a header and rows")
    kind = _kind(data, file)
    if kind == "parquet":
        found = parquet_records(data, file, limits)
    else:
        found = TEXT_READERS[kind](_decoded(data, file), file, limits)
    if found.columns:
        _check_names(found.columns, file)
    if not found.records and not found.refused:
        raise ManifestError("MANIFEST_EMPTY", "the manifest has no rows", where=file, fix="add rows below the header")
    found.check_broken(len(found.records) + len(found.refused))
    return found


def _kind(data: bytes, file: str) -> str:
    suffix = file.rpartition(".")[2].lower()
    named = SUFFIXES.get(suffix)
    if named is None:
        raise ManifestError("MANIFEST_FORMAT", "not a manifest's name", value=file, where=file,
                            fix="name it .csv, .jsonl, .json or .parquet")  # fmt: skip
    looks = _looks_like(data)
    if looks not in FITTING[named]:
        raise ManifestError("MANIFEST_FORMAT", f"named .{suffix}, but it looks like {looks}", value=suffix, where=file,
                            fix=f"rename it, or write it as {suffix}")  # fmt: skip
    return named


def _looks_like(data: bytes) -> str:
    found = (kind for magic, kind in MAGIC.items() if data.startswith(magic))
    return next(found, "json" if data.lstrip()[:1] in (b"{", b"[") else "text")


def _decoded(data: bytes, file: str) -> str:
    utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    at = 0 if utf_16 else data.find(b"\0")
    if at >= 0:
        message = "the file is UTF-16" if utf_16 else "a NUL byte"
        raise ManifestError("MANIFEST_ENCODING", message, value=f"byte {at}", where=file, fix="save it as UTF-8 text")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ManifestError("MANIFEST_ENCODING", "not UTF-8", value=f"byte {error.start}", where=file,
                            fix="save it as UTF-8") from error  # fmt: skip


def _check_names(columns: Iterable[str], file: str) -> None:
    """Columns become columns of SQL, where case does not tell names apart."""
    names = list(columns)
    check_columns(len(names), file)
    by_fold: dict[str, str] = {}
    for name in names:
        fold = name.strip().casefold()
        if not fold or not name.isprintable():
            raise _schema("a column has no name, or one that cannot be printed", name, file, "name every column")
        if fold in by_fold:
            raise _schema("two columns have the same name", name, file, "rename one; case does not tell them apart")
        if fold in ADDED:
            raise _schema("a column that Hour Lake adds itself", name, file, "call it id, or another name")
        if fold in KNOWN and name != fold:
            raise _schema(f"the column {fold!r} is written otherwise", name, file, f"call it {fold}")
        by_fold[fold] = name
    for bound in RANGE_UNITS:
        if len(units := [name for name in names if name in RANGE_UNITS[bound]]) > 1:
            raise _schema("a bound in two units", ", ".join(units), file, "keep one of the columns")
    if "source" not in names:
        raise _schema("the column `source` is missing", ", ".join(names), file,
                      "add a column `source` with a path, https:// or s3:// address")  # fmt: skip


def _schema(message: str, value: str, file: str, fix: str) -> ManifestError:
    return ManifestError("MANIFEST_SCHEMA", message, value=value, where=file, fix=fix)
