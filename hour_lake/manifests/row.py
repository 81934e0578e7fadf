"""One row of a manifest, checked: what it points to, who it shows, and everything else that was said about it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hour_lake.errors import ManifestError, SourceError
from hour_lake.identity import derived_video_id, video_id_from
from hour_lake.manifests.pointer import checked_scheme
from hour_lake.manifests.redact import unsigned

TEXTS = ("id", "sha256", "licence", "consent", "speaker")
# The columns that may give each bound, and how many of their unit make a second.
RANGE_UNITS = {
    "start": {"start_seconds": 1, "start_ms": 1000},
    "stop": {"stop_seconds": 1, "stop_ms": 1000},
}
KNOWN = frozenset({"source", *TEXTS, *RANGE_UNITS["start"], *RANGE_UNITS["stop"]})
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Row:
    """A pointer to one raw video and its metadata. `extra` holds all other columns, with the types they came in.

    `start_seconds` and `stop_seconds` bound what is used of the video, half open; None is its own start or end.
    """

    video_id: str
    raw_id: str
    source: str
    line: int
    sha256: str | None = None
    licence: str | None = None
    consent: str | None = None
    speaker: str | None = None
    start_seconds: float | None = None
    stop_seconds: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


def checked_row(values: Mapping[str, Any], *, line: int, where: str, require: Sequence[str] = ()) -> Row:
    """The row that a record means. `where` is the record's place in its file; errors add the column.

    ROW_PARSE, ID_INVALID, RANGE_INVALID, POLICY_REFUSED, and what can be told of a pointer by its text: URI_SCHEME,
    URI_FORBIDDEN, URI_CREDENTIALS.
    """
    texts = {name: _text(values.get(name), name, where) for name in ("source", *TEXTS)}
    source = _source(texts["source"], where)
    for name in require:
        if not texts[name]:
            raise ManifestError("POLICY_REFUSED", f"the settings require `{name}` of every video",
                                value=unsigned(source), where=f"{where}, column {name}",
                                fix=f"fill in {name}")  # fmt: skip
    # The signature of a presigned address is neither part of a name nor kept in a column.
    given, own = texts["id"], unsigned(source)
    video_id = derived_video_id(own) if given is None else video_id_from(given, where=f"{where}, column id")
    start, stop = _range(values, where)
    return Row(
        video_id, own if given is None else given, source, line, _sha256(texts["sha256"], where), texts["licence"],
        texts["consent"], texts["speaker"], start, stop,
        {name: value for name, value in values.items() if name not in KNOWN},
    )  # fmt: skip


def _source(text: str | None, where: str) -> str:
    if text is None:
        raise ManifestError("ROW_PARSE", "the row points to no video", value="", where=f"{where}, column source",
                            fix="give a path, https:// or s3:// address")  # fmt: skip
    try:
        checked_scheme(text)
    except SourceError as error:
        error.where = f"{where}, column source"
        raise
    return text


def _sha256(text: str | None, where: str) -> str | None:
    if text is not None and not SHA256.fullmatch(text.lower()):
        raise ManifestError("ROW_PARSE", "not a sha256", value=text, where=f"{where}, column sha256",
                            fix="64 hex digits, or leave it empty")  # fmt: skip
    return text and text.lower()


def _text(value: Any, name: str, where: str) -> str | None:
    """Text without blanks around it; what is empty is None, whole numbers are taken as their digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of whole numbers with gaps, as tables written by pandas have it
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ManifestError("ROW_PARSE", "a text is needed here", value=value, where=f"{where}, column {name}",
                            fix="write it as text, or leave it empty")  # fmt: skip
    # An id is judged as it was written: one that is empty or has a line break is a mistake, not a missing id.
    return str(value) if name == "id" else str(value).strip() or None


def _range(values: Mapping[str, Any], where: str) -> tuple[float | None, float | None]:
    start, stop = (_bound(values, RANGE_UNITS[bound], where) for bound in ("start", "stop"))
    if start is not None and stop is not None and start >= stop:
        raise ManifestError("RANGE_INVALID", "the range ends before it starts", value=f"[{start}, {stop}) s",
                            where=f"{where}, column stop", fix="the start must lie below the stop")  # fmt: skip
    return start, stop


def _bound(values: Mapping[str, Any], units: Mapping[str, int], where: str) -> float | None:
    name = next((name for name in units if name in values), None)
    value = None if name is None else values[name]
    if name is None or value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value) / units[name]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ManifestError("RANGE_INVALID", "not a time within a video", value=value, where=f"{where}, column {name}",
                            fix="a time from the start of the video, 0 or more")  # fmt: skip
    return number
