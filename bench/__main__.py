"""`make bench`: every measure, printed as a table and written as JSON beside the goals."""

import json
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import lake, memory, passes, pipeline
from bench.measure import Measure
from hour_lake.models.store import pull
from hour_lake.sample.corpus import corpus_digest, make_corpus

RESULTS = Path(__file__).parent / "results"
PARTS = {"passes": passes.measure, "memory": memory.measure, "pipeline": pipeline.measure,
         "lake": lake.measure}  # fmt: skip


def main() -> None:
    chosen = sys.argv[1:] or list(PARTS)
    console = Console()
    cache = Path.home() / ".cache" / "hour_lake"
    weights = cache / "models"
    pull(None, weights)
    found: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix="hour-lake-bench-") as scratch:
        corpus = cache / f"corpus-{corpus_digest()[:16]}"
        make_corpus(corpus)
        for name in chosen:
            console.print(f"[dim]measuring {name}[/]")
            found += PARTS[name](corpus, weights, Path(scratch))
    show(console, found)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{time.strftime('%Y-%m-%d')}.json"
    file.write_text(json.dumps([measure.as_dict() for measure in found], indent=1) + "\n")
    console.print(f"written to {file}")


def show(console: Console, found: list[Measure]) -> None:
    table = Table(box=None, header_style="bold")
    for column in ("measure", "value", "goal", "", "how"):
        table.add_column(column, justify="right" if column in ("value", "goal") else "left")
    for measure in found:
        verdict = "" if measure.holds is None else "[green]holds[/]" if measure.holds else "[red]missed[/]"
        table.add_row(measure.name, measure.shown, measure.goal_shown, verdict, measure.how)
    console.print(table)


main()
