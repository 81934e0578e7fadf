"""A page of the docs as a list of things to do: commands to run, files to write, lines to change, text to be said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w+)( watch)?\n(.*?)```\n", re.DOTALL)
FRACTION = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class Step:
    """`run` and `watch` have a command line, `write` and `change` a file, `said` text that the last one must say."""

    kind: Literal["run", "watch", "write", "change", "said"]
    text: str
    file: str = ""


def steps_of(page: Path) -> Iterator[Step]:
    """In the order of the page."""
    for file, language, watch, text in BLOCK.findall(page.read_text()):
        if language == "sh":
            yield from (Step("watch" if watch else "run", line) for line in text.splitlines())
        elif language == "text":
            yield Step("said", text)
        elif file:
            yield Step("change" if language == "diff" else "write", text, file)


def changed(text: str, diff: str) -> str:
    """The text with the lines (or their beginnings) after `-` replaced by those after `+`."""
    old, new = (re.findall(rf"^\{sign}(.*)$", diff, re.MULTILINE) for sign in "-+")
    for before, after in zip(old, new, strict=True):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def plain(said: str, folder: Path) -> list[str]:
    """Lines to compare: without the folder, what is after the point of numbers, and how columns are aligned."""
    short = FRACTION.sub("#", said.replace(str(folder), "..."))
    return [" ".join(line.split()) for line in short.splitlines() if line.strip()]
