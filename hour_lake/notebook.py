"""`try_layer` for a notebook: one layer on one file; its facts, rows, picture under the cell; no lake, no Dagster."""

import base64
import html
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hour_lake.catalog.batch import facts_of_table
from hour_lake.ledger.project import set_process_environment
from hour_lake.passes.arrays import Table
from hour_lake.passes.attempt import Attempt
from hour_lake.passes.attempt import try_layer as attempt
from hour_lake.passes.declare import Layer
from hour_lake.settings import Settings

ROWS_SHOWN = 8


@dataclass(frozen=True)
class Tried:
    """What a layer gave: `table` (column -> array), `facts` (name -> value), `picture` (a PNG file)."""

    attempt: Attempt
    facts: Mapping[str, Any]

    @property
    def table(self) -> Table:
        """As other layers get it."""
        return self.attempt.table

    @property
    def picture(self) -> Path:
        """Curves under the waveform, boxes and points on the frames."""
        return self.attempt.picture

    def _repr_html_(self) -> str:
        """Facts, the first rows, and the picture, which is in the page itself."""
        data = base64.b64encode(self.picture.read_bytes()).decode()
        title = f"{self.attempt.layer.name}: {len(self.attempt.rows)} rows in {self.attempt.seconds:.2f} s"
        facts = _html_table(("fact", "value"), [(name, str(value)) for name, value in self.facts.items()])
        rows = _html_table(self.attempt.columns, self.attempt.rows[:ROWS_SHOWN])
        note = f"<p>{html.escape(self.attempt.note)}</p>" if self.attempt.note else ""
        return f'<b>{html.escape(title)}</b>{note}{facts}{rows}<img src="data:image/png;base64,{data}">'


def try_layer(
    layer: str | Layer, file: Path | str, picture: Path | None = None, *, config: Mapping[str, Any] | None = None
) -> Tried:
    """Run a layer (itself, its name, or the path of its file) and what it reads on a clip, any video or any sound.

    `picture`: where the PNG goes, a temporary folder by default. `config`: keywords of the layer, in place of those
    in the settings. Raises what the layer raised, with its code, file and line; LAYER_CONFIG for a wrong keyword.
    """
    settings = Settings.load()
    set_process_environment(settings)
    place = picture or Path(tempfile.mkdtemp(prefix="hour-lake-try-")) / "try.png"
    done = attempt(layer, Path(file), place, config=settings.layers, keywords=config, limits=settings.limits)
    return Tried(done, facts_of_table(done.layer, done.table, duration_seconds=done.duration_seconds))


def _html_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["".join(f"<th>{html.escape(name)}</th>" for name in columns)]
    lines += ["".join(f"<td>{html.escape(value)}</td>" for value in row) for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
