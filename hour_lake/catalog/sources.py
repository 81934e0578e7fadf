"""Which tables the lake holds, where their files lie, and which columns they always have."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hour_lake.errors import LayerError
from hour_lake.passes.declare import Layer

FACTS_PATH = "tables/facts.parquet"
ROW_KEYS = {"frame": {"segment_id": "VARCHAR", "frame_index": "INTEGER", "time_seconds": "DOUBLE"}}
SQL_TYPES = {
    "bool": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
    "float32": "FLOAT", "float64": "DOUBLE", "string": "VARCHAR",
}  # fmt: skip
PERSON = {"source": "VARCHAR", "speaker": "VARCHAR", "licence": "VARCHAR", "consent": "VARCHAR", "raw_id": "VARCHAR"}
SEGMENT_COLUMNS = {
    "segment_id": "VARCHAR", "video_id": "VARCHAR", "start_ms": "BIGINT", "stop_ms": "BIGINT",
    "duration_seconds": "DOUBLE", "clip_sha256": "VARCHAR", "clip_bytes": "BIGINT",
}  # fmt: skip
# Tables, columns of `facts`, and what is kept in `_lake`: a layer of such a name would break the views of all others.
RESERVED = frozenset(
    {"facts", "segments", "manifests", "videos", "plans", "flags", "video", "manifest", *PERSON, *SEGMENT_COLUMNS,
     "durations", "new_segments", "moved_segments", "stale", "fresh_facts", "core", "manifest_names"}
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One table of the lake: a folder of small Parquet files, compacted by video into `tables/<name>/`.

    `columns` (name -> DuckDB type) are there whatever the files hold: missing ones read as NULL.
    """

    name: str
    prefix: str
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    compacted: bool = True

    @property
    def is_layer(self) -> bool:
        """Whether a layer makes it; the columns of all others are Hour Lake's own and never become lists."""
        return self.prefix.startswith("layers/")

    @property
    def lists(self) -> list[str]:
        """The columns that are declared as lists."""
        return [name for name, kind in self.columns.items() if kind.endswith("[]")]

    @property
    def tables_prefix(self) -> str:
        """Where its compacted files lie."""
        return f"tables/{self.name}/"

    def bucket(self, path: str) -> str:
        """Two hex digits from the video's name: all segments of one video lie in one file, 256 files at most."""
        video = path.removeprefix(self.prefix).split("/")[0].removesuffix(".parquet")
        return hashlib.sha256(video.encode()).hexdigest()[:2]


MANIFESTS = Source("manifests", "manifests/", {"video_id": "VARCHAR", **PERSON}, compacted=False)
VIDEOS = Source(
    "videos", "videos/",
    {"video_id": "VARCHAR", "container": "VARCHAR", "video_codec": "VARCHAR", "audio_codec": "VARCHAR",
     "width_px": "INTEGER", "height_px": "INTEGER", "frame_rate": "DOUBLE", "size_bytes": "BIGINT",
     "sha256": "VARCHAR"},
)  # fmt: skip
PLANS = Source("plans", "plans/", {"video_id": "VARCHAR", "start_ms": "BIGINT", "stop_ms": "BIGINT",
                                   "segment_id": "VARCHAR", "reason": "VARCHAR"})  # fmt: skip
FLAGS = Source("flags", "flags/", {"segment_id": "VARCHAR", "gate": "VARCHAR", "value": "DOUBLE", "passed": "BOOLEAN",
                                   "reason": "VARCHAR"})  # fmt: skip
SEGMENTS = Source("segments", "segments/", compacted=False)


def layer_source(layer: Layer) -> Source:
    """The table of one layer; LAYER_NAME when it would hide one of ours."""
    if layer.name in RESERVED:
        raise LayerError("LAYER_NAME", "the catalog has a table or a column of this name already", value=layer.name,
                         where=layer.where, fix="give the layer another name")  # fmt: skip
    keys = ROW_KEYS.get(layer.rows, {"segment_id": "VARCHAR"})
    return Source(layer.name, f"layers/{layer.name}/", {**keys, **{c: sql_type(t) for c, t in layer.columns.items()}})


def sources_of(layers: Mapping[str, Layer], found: Iterable[str]) -> list[Source]:
    """Every table that is kept in small files; a layer that no code declares has the columns of its files."""
    undeclared = sorted(set(found) - set(layers) - RESERVED)
    return [
        *(layer_source(layer) for layer in layers.values()),
        *(Source(name, f"layers/{name}/", {"segment_id": "VARCHAR"}) for name in undeclared),
        VIDEOS, PLANS, FLAGS,
    ]  # fmt: skip


def sql_type(kind: str) -> str:
    """`float32` -> FLOAT, `float32[80]` and `list<float32>` -> FLOAT[] (Parquet does not keep the fixed length)."""
    scalar = re.sub(r"\[\d+\]$|^list<|>$", "", kind)
    return SQL_TYPES[scalar] + ("" if scalar == kind else "[]")


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def list_of(values: Sequence[str]) -> str:
    """Texts as an SQL list."""
    return "[" + ", ".join(literal(value) for value in values) + "]"


def rows_sql(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """A SELECT that gives these rows; as one JSON text, for DuckDB parses that far quicker than long VALUES."""
    names = ", ".join(f"r.{quoted(name)} AS {quoted(name)}" for name in columns)
    text, shape = json.dumps(list(rows), separators=(",", ":")), json.dumps([dict(columns)])
    return f"SELECT {names} FROM (SELECT unnest(from_json({literal(text)}, {literal(shape)})) AS r)"  # noqa: S608
