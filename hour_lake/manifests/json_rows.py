"""Records of JSON lines and of a JSON list, as the standard has it: no NaN, no key twice, no half characters."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hour_lake.errors import ManifestError
from hour_lake.manifests.records import Records, check_columns
from hour_lake.settings import Limits

NESTING_LIMIT = 64


@dataclass(frozen=True)
class _Wrong:
    """Stands where a value is not JSON though it could be parsed, so that only its own record is refused."""

    why: str

    def __str__(self) -> str:
        return self.why


def json_line_records(text: str, file: str, limits: Limits) -> Records:
    """One object a line."""
    found = Records(file, limits)
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            _take(found, _parsed(line), number)
        except ValueError as error:
            found.refuse(number, f"not JSON: {error}", line, "one JSON object a line")
            found.check_broken(len(lines))
    return found


def json_list_records(text: str, file: str, limits: Limits) -> Records:
    """A list of objects; MANIFEST_FORMAT for anything else."""
    try:
        document = _parsed(text)
    except ValueError as error:
        raise ManifestError("MANIFEST_FORMAT", f"not JSON: {error}", where=file,
                            fix="a list of objects; with an object a line it is .jsonl") from error  # fmt: skip
    if not isinstance(document, list):
        raise ManifestError("MANIFEST_FORMAT", "no JSON list", value=type(document).__name__, where=file,
                            fix="put the objects into [ ], or write .jsonl with an object a line")  # fmt: skip
    found = Records(file, limits, unit="item")
    for number, item in enumerate(document, start=1):
        _take(found, item, number)
    return found


def _take(found: Records, item: Any, number: int) -> None:
    problem = _problem(item) or (None if isinstance(item, dict) else "not an object")
    if problem is not None:
        value = item if isinstance(item, str) else json.dumps(item, default=str)
        found.refuse(number, problem, value, 'write {"source": ...}')
        return
    if not found.columns.keys() >= item.keys():
        found.columns.update({name: None for name in item if name not in found.columns})
        check_columns(len(found.columns), found.file)
    found.take(number, item)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object, parse_float=_finite)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno} " if "\n" in text.strip() else ""
        raise ValueError(f"{error.msg} ({line}column {error.colno})") from error
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _no_constant(name: str) -> Any:
    return _Wrong(f"{name} is not a JSON value")


def _finite(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else _Wrong(f"{text[:40]} is too large")


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Wrong("a key stands twice")


def _problem(value: Any, depth: int = 0) -> str | None:
    """What is wrong within a value, if anything."""
    match value:
        case _Wrong(why):
            return why
        case str():
            return None if value.isascii() or _is_text(value) else "half a surrogate pair is no character"
        case dict() | list():
            if depth >= NESTING_LIMIT:
                return f"nested more than {NESTING_LIMIT} deep"
            parts: Iterable[Any] = [*value.keys(), *value.values()] if isinstance(value, dict) else value
            return next((why for part in parts if (why := _problem(part, depth + 1))), None)
        case _:
            return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
