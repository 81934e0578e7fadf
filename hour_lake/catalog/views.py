"""SQL that makes a view for each table of a snapshot; the same text runs in a notebook and in the locked process."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from hour_lake.catalog.lists import chosen, chosen_sql
from hour_lake.catalog.snapshot import Files, Snapshot
from hour_lake.catalog.sources import MANIFESTS, Source, list_of, quoted, rows_sql
from hour_lake.lake.interface import Entry

SCHEMA = "_lake"  # what users need not see; names that begin with _ in it can be no layer's


def table_script(snapshot: Snapshot, sources: Iterable[Source]) -> list[str]:
    """A view per table: `_lake.<name>` also has `_row`, the order of rows in a segment; `<name>` is for users."""
    script: list[str] = []
    for source in sources:
        name = quoted(source.name)
        files = snapshot.files(source)
        script += [
            f"CREATE TABLE {SCHEMA}.{quoted('_stale_' + source.name)} AS {_paths_sql(files.stale)}",
            f"CREATE VIEW {SCHEMA}.{name} AS {_rows_sql(snapshot, source, files)}",
            f"CREATE VIEW {name} AS SELECT * EXCLUDE (_row) FROM {SCHEMA}.{name}",
        ]
    return script


def manifest_script(snapshot: Snapshot) -> list[str]:
    """`manifests`: the rows of all manifests; `manifest_name` is the one that a row is from."""
    entries = snapshot.files(MANIFESTS).added
    declared = declared_sql({**MANIFESTS.columns, "manifest_name": "VARCHAR"})
    if not entries:
        return [f"CREATE VIEW manifests AS {declared}"]
    names = [
        {
            "location": snapshot.lake.location(snapshot.commit_id, e),
            "manifest_name": e.path.removeprefix("manifests/").removesuffix(".parquet"),
        }
        for e in entries
    ]
    locations = sorted({row["location"] for row in names})
    read = f"read_parquet({list_of(locations)}, union_by_name = true, filename = 'location')"
    return [
        f"CREATE TABLE {SCHEMA}.manifest_names AS {rows_sql(names, dict.fromkeys(names[0], 'VARCHAR'))}",
        f"CREATE VIEW manifests AS {declared} UNION ALL BY NAME "
        f"SELECT * EXCLUDE (location) FROM {read} JOIN {SCHEMA}.manifest_names USING (location)",
    ]


def rows_of_entries(snapshot: Snapshot, source: Source, entries: Sequence[Entry]) -> str:
    """A SELECT over the files of some entries, with the declared columns and `_row`."""
    return _together(source, _added(snapshot, source, entries))


def as_declared(columns: Mapping[str, str], rows: str) -> str:
    """`rows` with these of their columns in the declared types, whatever older files hold; what is none is NULL."""
    casts = ", ".join(f"TRY_CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in columns.items())
    return f"SELECT * REPLACE ({casts}) FROM ({rows})"


@dataclass(frozen=True)
class _Part:
    """Rows of files with the same list columns."""

    rows: str
    lists: frozenset[str]


def _rows_sql(snapshot: Snapshot, source: Source, files: Files) -> str:
    return _together(source, [*_added(snapshot, source, files.added), *_compacted(snapshot, source, files.compacted)])


def _together(source: Source, parts: Iterable[_Part]) -> str:
    parts = list(parts)
    choice = chosen(source.columns, [part.lists for part in parts])
    declared = declared_sql({**source.columns, "_row": "BIGINT"})
    return " UNION ALL BY NAME ".join([declared, *(chosen_sql(part.rows, part.lists, choice) for part in parts)])


def _added(snapshot: Snapshot, source: Source, entries: Sequence[Entry]) -> Iterator[_Part]:
    alike: dict[frozenset[str], list[Entry]] = defaultdict(list)
    for entry, lists in zip(entries, _lists(snapshot, source, entries), strict=True):
        alike[lists].append(entry)
    for lists, group in alike.items():
        yield _Part(_read(snapshot, group, by_name=True), lists)


def _compacted(snapshot: Snapshot, source: Source, entries: Sequence[Entry]) -> Iterator[_Part]:
    stale = f"{SCHEMA}.{quoted('_stale_' + source.name)}"
    # Files of one shape are read together, so that only one of them is opened to learn it.
    shapes = sorted(entries, key=lambda entry: (entry.metadata.get("columns", ""), entry.path))
    for _, group in groupby(shapes, key=lambda entry: entry.metadata.get("columns", "")):
        alike = list(group)
        rows = _read(snapshot, alike, by_name=False)
        kept = f"SELECT * EXCLUDE (_path) FROM ({rows}) ANTI JOIN {stale} USING (_path)"
        yield _Part(kept, *_lists(snapshot, source, alike[:1]))


def _lists(snapshot: Snapshot, source: Source, entries: Sequence[Entry]) -> Sequence[frozenset[str]]:
    return snapshot.lists(entries) if source.is_layer else [frozenset()] * len(entries)


def _read(snapshot: Snapshot, entries: Sequence[Entry], *, by_name: bool) -> str:
    locations = list_of(sorted({snapshot.lake.location(snapshot.commit_id, entry) for entry in entries}))
    options = f"file_row_number = true, union_by_name = {str(by_name).lower()}"
    return f"SELECT * RENAME (file_row_number AS _row) FROM read_parquet({locations}, {options})"


def declared_sql(columns: Mapping[str, str]) -> str:
    """A SELECT of no rows that fixes names and types."""
    nulls = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in columns.items())
    return f"SELECT {nulls} WHERE false"


def _paths_sql(paths: Sequence[str]) -> str:
    return rows_sql([{"_path": path} for path in paths], {"_path": "VARCHAR"})
