"""Columns that are lists in some files of a table and single values in others, because a layer declared them anew.

A view shows one of both, see `chosen`; a compacted file keeps both, so that no value depends on when it was made:

    segment     mean   mean[]
    a           41.0   NULL      made when `mean` was a float32
    b           NULL   [40, 42]  made since it is a list<float32>
"""

import json
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from hour_lake.catalog.remote import connection_for
from hour_lake.catalog.sources import list_of, quoted
from hour_lake.errors import LakeError
from hour_lake.lake.interface import Entry, Lake

APART = "[]"  # no layer can declare such a name
KEY = "lists"


def told(names: Iterable[str]) -> dict[str, str]:
    """Names of list columns as an entry's metadata keep them, so that nobody need open the file to know them."""
    return {KEY: json.dumps(sorted(names))}


def told_by(entry: Entry) -> frozenset[str] | None:
    """The list columns of a file as its entry says; None for files by others, or by an older version."""
    said = entry.metadata.get(KEY)
    return None if said is None else frozenset(json.loads(said))


def looked_at(lake: Lake, locations: Sequence[str]) -> dict[str, frozenset[str]]:
    """Location -> the list columns of that file, from its footer; INTEGRITY when it has none."""
    import duckdb

    found: dict[str, set[str]] = {location: set() for location in locations}
    footers = f"parquet_schema({list_of(locations)})"
    connection = connection_for(lake)
    try:
        lists = connection.execute(f"SELECT file_name, name FROM {footers} WHERE converted_type = 'LIST'")
        for location, name in lists.fetchall():
            found[location].add(name)
    except duckdb.Error as error:
        raise LakeError("INTEGRITY", "an object of the lake cannot be read", value=str(error).splitlines()[0],
                        fix="restore the object from a copy, or write it again") from error  # fmt: skip
    finally:
        connection.close()
    return {location: frozenset(names) for location, names in found.items()}


def lists_in(schema: pa.Schema) -> frozenset[str]:
    """Names of its columns that are lists."""
    return frozenset(column.name for column in schema if pa.types.is_list(column.type))


def apart(table: pa.Table) -> pa.Table:
    """With the list columns under names of their own: what `together` takes back."""
    lists = {name for name in lists_in(table.schema) if not name.endswith(APART)}
    return table.rename_columns([name + APART if name in lists else name for name in table.column_names])


def together(table: pa.Table) -> pa.Table:
    """With one column where nothing is lost by it: the lists under their own name, or the single values alone."""
    for name in [name for name in table.column_names if name.endswith(APART)]:
        single = name.removesuffix(APART)
        if not _has_values(table, single):
            table = table.drop_columns([single] if single in table.column_names else [])
            table = table.rename_columns([single if column == name else column for column in table.column_names])
        elif not _has_values(table, name):
            table = table.drop_columns([name])
    return table


def _has_values(table: pa.Table, name: str) -> bool:
    return name in table.column_names and table.column(name).null_count < len(table)


def chosen(declared: Mapping[str, str], found: Sequence[frozenset[str]]) -> dict[str, bool]:
    """Column -> whether it is to be read as a list: as declared; a column that nobody declares, if any file has lists.

    `found`: the list columns of each part of a table.
    """
    ever = {name.removesuffix(APART) for names in found for name in names}
    lists = {name: kind.endswith("[]") for name, kind in declared.items()}
    return {name: lists.get(name, True) for name in sorted(ever | {name for name in lists if lists[name]})}


def chosen_sql(rows: str, lists: frozenset[str], choice: Mapping[str, bool]) -> str:
    """`rows` of files with these list columns, without what is of the other shape: that reads as NULL."""
    both = {name for name in choice if name + APART in lists}
    renamed = [name for name in choice if name in both and choice[name]]
    gone = [name for name, as_list in choice.items() if name not in both and (name in lists) != as_list]
    gone += [*renamed, *(name + APART for name in sorted(both))]
    if not gone:
        return rows
    taken = "".join(f"{quoted(name + APART)} AS {quoted(name)}, " for name in renamed)
    return f"SELECT {taken}COLUMNS(lambda c: c NOT IN {list_of(gone)}) FROM ({rows})"
