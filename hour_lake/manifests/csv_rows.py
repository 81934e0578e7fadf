"""Records of a CSV file, line by line: one broken line costs itself, never the lines after it."""

import csv
import io
import itertools
from collections.abc import Sequence

from hour_lake.errors import ManifestError
from hour_lake.manifests.records import Records
from hour_lake.settings import Limits

OTHER_SEPARATORS = ";\t|"


def csv_records(text: str, file: str, limits: Limits) -> Records:
    """Records with values as text, an empty one as None; MANIFEST_FORMAT, MANIFEST_SCHEMA, MANIFEST_LIMIT.

    After a quote that never closes, reading starts again at the line below:

        1  id,source
        2  a,"a.mp4        <- would swallow line 3; is refused alone
        3  b,b.mp4
    """
    lines = list(io.StringIO(text, newline=""))
    names, at = _header(lines, file)
    found = Records(file, limits, columns=dict.fromkeys(names))
    broken_over: list[str] = []  # records over several lines: right by the rules, and what a stray quote looks like
    while at < len(lines):
        reader = csv.reader(itertools.islice(lines, at, None), strict=True)
        begin = at
        try:
            for values in reader:
                stop = begin + reader.line_num
                _take(found, names, values, at)
                if stop - at > 1:
                    broken_over.append(f"{at + 1}-{stop}")
                at = stop
        except csv.Error as error:
            value = lines[at].rstrip("\r\n")
            found.refuse(at + 1, str(error), value, "close the quote, or double the quotes within a value")
            found.check_broken(len(lines))
            at += 1
    if broken_over:
        shown = ", ".join(broken_over[:10])
        found.notices.append(f"{len(broken_over)} rows have line breaks in their values (lines {shown})")
    return found


def _header(lines: Sequence[str], file: str) -> tuple[list[str], int]:
    """The column names, and the index of the line below them; empty lines before them are passed over."""
    at = next(number for number, line in enumerate(lines) if line.strip())
    try:
        reader = csv.reader(itertools.islice(lines, at, None), strict=True)
        names = [name.strip() for name in next(reader)]
    except csv.Error as error:
        raise ManifestError("MANIFEST_FORMAT", f"the header cannot be read: {error}", value=lines[at], where=file,
                            fix="check the quotes of the first line") from error  # fmt: skip
    others = [mark for mark in OTHER_SEPARATORS if mark in names[0]]
    if len(names) == 1 and others:
        raise ManifestError("MANIFEST_FORMAT", f"values are separated by {others[0]!r}", value=names[0], where=file,
                            fix="separate them by commas")  # fmt: skip
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ManifestError("MANIFEST_SCHEMA", "two columns have the same name", value=twice, where=file,
                            fix="name every column, each by its own name")  # fmt: skip
    return names, at + reader.line_num


def _take(found: Records, names: Sequence[str], values: Sequence[str], at: int) -> None:
    if not values:
        return  # an empty line
    if len(values) != len(names):
        message = f"{len(values)} values for {len(names)} columns"
        found.refuse(at + 1, message, ",".join(values), "quote values that hold commas; fill in what is missing")
        return
    found.take(at + 1, {name: value or None for name, value in zip(names, values, strict=True)})
