"""How answers look: tables for people, JSON and CSV for programs, progress only on a terminal, errors in one place."""

import csv
import json
import os
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from hour_lake.assets.progress import listening
from hour_lake.errors import HourLakeError

WIDE = 140  # columns where no terminal says how many: tables in files and pipes are not folded at 80
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(error: HourLakeError) -> None:
    """Code, sentence, value, place and what to do."""
    err.print(f"[bold red]{error.code}[/]: {_plain(error.message)}")
    for name in ("value", "where", "fix"):
        text = getattr(error, name)
        if text:
            err.print(f"  [dim]{name:>5}[/]  {_plain(text)}")


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def show_json(value: Any) -> None:
    """One JSON document on standard output."""
    json.dump(value, sys.stdout, indent=1, default=str, ensure_ascii=False)
    sys.stdout.write("\n")
    sys.stdout.flush()  # for who follows a command that goes on


def show_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Comma-separated values with a header."""
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(rows)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> None:
    """A table that fits the terminal; numbers to the right."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for i, name in enumerate(columns):
        number = bool(rows) and all(isinstance(row[i], int | float) or row[i] is None for row in rows)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "[dim]-[/]"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return _plain(", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in value.items()))
    return _plain(str(value))


def human_bytes(count: int) -> str:
    """`1.4 MB`, in powers of ten as disks are sold."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def moment(created_ms: int) -> str:
    """A time of the lake in the machine's own zone: `2026-11-22 21:40:05`."""
    return datetime.fromtimestamp(created_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


class Bars:
    """Progress bars of the steps of a run, and what each of them did (kept for a summary)."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self.seconds: dict[str, float] = {}

    def started(self, what: str, total: int) -> None:
        """A new bar."""
        self._tasks[what] = self._progress.add_task(what if len(what) < 34 else what[:33] + "…", total=total)

    def advanced(self, what: str, *, done: int = 0, skipped: int = 0, failed: int = 0) -> None:
        """Move a bar."""
        self._progress.advance(self._tasks[what], done + skipped + failed)

    def finished(self, what: str, seconds: float) -> None:
        """Remember how long it took."""
        self.seconds[what] = self.seconds.get(what, 0) + seconds


@contextmanager
def progress_bars() -> Generator[Bars]:
    """Bars on a terminal; nothing at all elsewhere."""
    columns = (TextColumn("{task.description:<34}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        bars = Bars(progress)
        with listening(bars):
            yield bars
