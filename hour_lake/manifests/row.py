"""One row of a manifest, checked: what it points to, who it shows, and everything else that was said about it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hour_lake.errors import ManifestError
from hour_lake.identity import derived_video_id, video_id_from

TEXTS = ("id", "sha256", "licence", "consent", "speaker")
RANGE = ("start_seconds", "stop_seconds")
KNOWN = ("source", *TEXTS, *RANGE)
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


def checked_row(values: Mapping[str, Any], *, line: int, file: str, require: Sequence[str] = ()) -> Row:
    """The row that a record means; ROW_PARSE, ID_INVALID, RANGE_INVALID, POLICY_REFUSED name its line and column."""
    where = f"{file}, line {line}"
    texts = {name: _text(values.get(name), name, where) for name in ("source", *TEXTS)}
    source = texts["source"]
    if source is None:
        raise ManifestError("ROW_PARSE", "the row points to no video", where=f"{where}, column source",
                            fix="give a path, https:// or s3:// address")  # fmt: skip
    sha256 = texts["sha256"].lower() if texts["sha256"] else None
    if sha256 is not None and not SHA256.fullmatch(sha256):
        raise ManifestError("ROW_PARSE", "not a sha256", value=sha256, where=f"{where}, column sha256",
                            fix="64 hex digits, or leave it empty")  # fmt: skip
    for name in require:
        if not texts[name]:
            raise ManifestError("POLICY_REFUSED", f"the settings require `{name}` of every video", value=source,
                                where=f"{where}, column {name}", fix=f"fill in {name}")  # fmt: skip
    raw_id = texts["id"]
    given = raw_id if raw_id is not None else values.get("id")
    if given is None:
        video_id, raw_id = derived_video_id(source), source
    else:
        video_id, raw_id = video_id_from(str(given), where=f"{where}, column id"), str(given)
    start, stop = _range(values, where)
    extra = {name: value for name, value in values.items() if name not in KNOWN}
    people = {name: texts[name] for name in ("licence", "consent", "speaker")}
    return Row(video_id, raw_id, source, line, sha256, **people, start_seconds=start, stop_seconds=stop, extra=extra)


def _text(value: Any, name: str, where: str) -> str | None:
    """Text without blanks around it; what is empty is None, numbers are taken as their digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ManifestError("ROW_PARSE", "a text is needed here", value=value, where=f"{where}, column {name}")
    text = str(value)
    # An id is judged as it was written: one that is empty or has a line break is a mistake, not a missing id.
    return text if name == "id" and text else text.strip() or None


def _range(values: Mapping[str, Any], where: str) -> tuple[float | None, float | None]:
    start, stop = (_seconds(values.get(name), name, where) for name in RANGE)
    if start is not None and stop is not None and start >= stop:
        raise ManifestError("RANGE_INVALID", "the range ends before it starts", value=f"[{start}, {stop}) s",
                            where=where,
                            fix="start_seconds must be below stop_seconds")  # fmt: skip
    return start, stop


def _seconds(value: Any, name: str, where: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise ManifestError("RANGE_INVALID", "not a time within a video", value=value,
                            where=f"{where}, column {name}",
                            fix="seconds from the start of the video, 0 or more")  # fmt: skip
    return seconds
