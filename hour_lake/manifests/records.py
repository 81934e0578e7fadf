"""From the bytes of a manifest to records with line numbers: CSV, JSON lines, a JSON list, or Parquet."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hour_lake.errors import ManifestError

FIELD_LIMIT = 1_000_000  # characters
NESTING_LIMIT = 64
Record = tuple[int, Mapping[str, Any]]


@dataclass
class Records:
    """What could be read: column names, records with their line (Parquet: row), and lines that make no record."""

    columns: list[str]
    records: list[Record] = field(default_factory=list[Record])
    refused: list[ManifestError] = field(default_factory=list[ManifestError])


def read_records(data: bytes, *, file: str) -> Records:
    """Records by the format that suffix and content agree on; MANIFEST_EMPTY, _FORMAT, _ENCODING, _CORRUPT, _SCHEMA."""
    if not data.strip():
        raise ManifestError("MANIFEST_EMPTY", "the manifest is empty", where=file, fix="write a header and rows")
    kind = _kind(data, file)
    found = _parquet(data, file) if kind == "parquet" else _READERS[kind](_decoded(data, file), file)
    if found.columns:
        _check_columns(found.columns, file)
    if not found.records and not found.refused:
        raise ManifestError("MANIFEST_EMPTY", "the manifest has no rows", where=file, fix="add rows below the header")
    return found


def _kind(data: bytes, file: str) -> str:
    suffix = file.rpartition(".")[2].lower()
    named = {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "json": "json", "parquet": "parquet"}.get(suffix)
    if named is None:
        raise ManifestError("MANIFEST_FORMAT", "not a manifest's name", value=suffix, where=file,
                            fix="name it .csv, .jsonl, .json or .parquet")  # fmt: skip
    looks = _looks_like(data)
    if (named == "parquet") != (looks == "parquet") or (named == "csv" and looks in ("zip", "gzip", "html")):
        raise ManifestError("MANIFEST_FORMAT", f"named .{suffix}, but it looks like {looks}", where=file,
                            fix=f"rename it, or write it as {suffix}")  # fmt: skip
    return named


def _looks_like(data: bytes) -> str:
    starts = {b"PAR1": "parquet", b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip", b"<!": "html", b"<html": "html"}
    found = (kind for magic, kind in starts.items() if data.startswith(magic))
    return next(found, "json" if data.lstrip()[:1] in (b"{", b"[") else "text")


def _decoded(data: bytes, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ManifestError(
            "MANIFEST_ENCODING", "the file is UTF-16", value="byte 0", where=file, fix="save it as UTF-8"
        )
    at = data.find(b"\0")
    if at >= 0:
        raise ManifestError(
            "MANIFEST_ENCODING", "a NUL byte", value=f"byte {at}", where=file, fix="save it as UTF-8 text"
        )
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise ManifestError("MANIFEST_ENCODING", "not UTF-8", value=f"byte {error.start}", where=file,
                            fix="save it as UTF-8") from error  # fmt: skip


def _csv(text: str, file: str) -> Records:
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found = Records([name.strip() for name in next(reader)])
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return found
        except csv.Error as error:
            fix = "close the quote, or double quotes within a value"
            found.refused.append(_row_error(str(error), f"lines {line} to {reader.line_num}", file, line, fix))
            continue
        if not values:
            continue
        if len(values) != len(found.columns):
            message = f"{len(values)} values for {len(found.columns)} columns"
            found.refused.append(_row_error(message, ",".join(values), file, line, "quote values that hold commas"))
            continue
        found.records.append((line, {name: value or None for name, value in zip(found.columns, values, strict=True)}))


def _row_error(message: str, value: Any, file: str, line: int, fix: str) -> ManifestError:
    return ManifestError("ROW_PARSE", message, value=value, where=f"{file}, line {line}", fix=fix)


def _json_lines(text: str, file: str) -> Records:
    found = Records([])
    for line, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            _take_json(found, content, file, line)
    return found


def _json_list(text: str, file: str) -> Records:
    try:
        document = _parsed(text)
    except ValueError as error:
        raise ManifestError("MANIFEST_FORMAT", f"not JSON: {error}", where=file, fix="a list of objects") from error
    if not isinstance(document, list):
        raise ManifestError("MANIFEST_FORMAT", "one JSON object where a list is needed", where=file,
                            fix="put it into [ ], or write .jsonl with an object a line")  # fmt: skip
    found = Records([])
    for number, item in enumerate(document, start=1):
        _take_object(found, item, file, number)
    return found


def _take_json(found: Records, content: str, file: str, line: int) -> None:
    try:
        _take_object(found, _parsed(content), file, line)
    except ValueError as error:
        found.refused.append(_row_error(f"not JSON: {error}", content, file, line, "one JSON object a line"))


def _take_object(found: Records, item: Any, file: str, line: int) -> None:
    if not isinstance(item, dict):
        found.refused.append(_row_error("not an object", item, file, line, 'write {"source": ...}'))
        return
    found.columns += [name for name in item if name not in found.columns]
    found.records.append((line, item))


def _parsed(text: str) -> Any:
    """JSON as the standard has it: no NaN, no key twice, no depth that exhausts the stack."""
    depth = max(_depths(text), default=0)
    if depth > NESTING_LIMIT:
        raise ValueError(f"nested {depth} deep")
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates, parse_float=_finite)


def _depths(text: str) -> Iterator[int]:
    depth = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        yield depth


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _parquet(data: bytes, file: str) -> Records:
    try:
        table = pq.read_table(io.BytesIO(data), page_checksum_verification=True)
        rows = table.to_pylist()
    except (OSError, pa.ArrowException, ValueError) as error:
        raise ManifestError("MANIFEST_CORRUPT", "the Parquet file cannot be read", value=str(error), where=file,
                            fix="write it again") from error  # fmt: skip
    return Records(list(table.column_names), list(enumerate(rows, start=1)))


def _check_columns(columns: list[str], file: str) -> None:
    folded: dict[str, str] = {}
    for name in columns:
        other = folded.setdefault(name.strip().casefold(), name)
        if other is not name or columns.count(name) > 1 or not name.strip():
            raise ManifestError("MANIFEST_SCHEMA", "two columns have the same name, or one has none", value=name,
                                where=file, fix="rename one; case does not tell them apart")  # fmt: skip
    reserved = [name for name in columns if name in ("video_id", "raw_id", "line")]
    if reserved:
        raise ManifestError("MANIFEST_SCHEMA", "a column that Hour Lake adds itself", value=reserved[0], where=file,
                            fix="call it id, or another name")  # fmt: skip
    if "source" not in columns:
        raise ManifestError("MANIFEST_SCHEMA", "the column `source` is missing", value=", ".join(columns), where=file,
                            fix="add a column `source` with a path, https:// or s3:// address")  # fmt: skip


_READERS: Mapping[str, Callable[[str, str], Records]] = {"csv": _csv, "jsonl": _json_lines, "json": _json_list}
