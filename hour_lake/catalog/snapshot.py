"""One commit as the catalog sees it: what was compacted, and what was written since."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hour_lake.catalog.lists import looked_at, told_by
from hour_lake.catalog.sources import FACTS_PATH, RESERVED, SEGMENTS, Source
from hour_lake.errors import LakeError
from hour_lake.lake.interface import Change, Entry, Lake

SUFFIX = {SEGMENTS.name: ".mp4"}


@dataclass(frozen=True)
class Files:
    """The files that make up one table: compacted ones, newer ones, and the paths whose compacted rows are stale."""

    compacted: tuple[Entry, ...]
    added: tuple[Entry, ...]
    stale: tuple[str, ...]


class Snapshot:
    """A lake pinned to the commit that `ref` names now; whoever writes meanwhile does not change it.

    Nothing is globbed: the lake's entries say which objects there are, so a torn or unpublished file is never read.
    """

    def __init__(self, lake: Lake, ref: str, *, use_tables: bool = True) -> None:
        self.lake = lake
        self.commit_id = lake.resolve(ref)
        self._use_tables = use_tables
        self._files: dict[str, Files] = {}
        self._changes: dict[str, list[Change]] = {}
        self._lists: dict[str, frozenset[str]] = {}

    @cached_property
    def facts_entry(self) -> Entry | None:
        """The compacted facts table, if the compacted files of this commit belong together.

        They are one set, written in one transaction; its seal in the entry's metadata tells a set that a merge of two
        branches mixed. Such a set is not read (the small files are), until the next compaction.
        """
        entry = self.lake.entry(self.commit_id, FACTS_PATH) if self._use_tables else None
        if (
            entry is None
            or "gate_counts" not in entry.metadata
            or entry.metadata.get("seal")
            != seal_of({e.path: e.digest for e in self.lake.entries(self.commit_id, "tables/")})
        ):
            return None
        try:
            self.lake.resolve(entry.metadata["source_commit"])
        except LakeError:
            return None
        return entry

    @property
    def base(self) -> str | None:
        """The commit that the compacted tables show."""
        return self.facts_entry.metadata["source_commit"] if self.facts_entry else None

    @cached_property
    def known_facts(self) -> dict[str, str]:
        """Layer name -> digest of its facts' SQL, for every struct column of the compacted facts table."""
        return json.loads(self.facts_entry.metadata["facts"]) if self.facts_entry else {}

    @cached_property
    def known_gates(self) -> dict[str, int]:
        """Gates in the `flags` struct of the compacted facts table, and how many segments' flags name each."""
        return json.loads(self.facts_entry.metadata["gate_counts"]) if self.facts_entry else {}

    def changes(self, source: Source) -> list[Change]:
        """What was written to one table since the base; everything there is, when there is no base."""
        if source.name not in self._changes:
            suffix = SUFFIX.get(source.name, ".parquet")
            self._changes[source.name] = [c for c in self._since_base(source) if c.path.endswith(suffix)]
        return self._changes[source.name]

    def _since_base(self, source: Source) -> Iterable[Change]:
        if self.base is None:
            entries = self.lake.entries(self.commit_id, source.prefix)
            return (Change(entry.path, "added", None, entry) for entry in entries)
        return self.lake.diff(self.base, self.commit_id, source.prefix)

    def layer_names(self) -> set[str]:
        """Every layer that has a table in this commit, declared or not: code comes and goes, data stays."""
        changed = self._since_base(Source("", "layers/"))
        names = {change.path.split("/")[1] for change in changed}
        if self.base is not None:
            tables = (entry.path.split("/") for entry in self.lake.entries(self.commit_id, "tables/"))
            names |= {parts[1] for parts in tables if len(parts) == 3 and parts[1] not in RESERVED}
        return names

    def files(self, source: Source) -> Files:
        """The files of one table; asked once, then remembered."""
        if source.name not in self._files:
            self._files[source.name] = self._look_up(source)
        return self._files[source.name]

    def lists(self, entries: Sequence[Entry]) -> list[frozenset[str]]:
        """The list columns of each file: what its entry says, else what is in the file; looked at once."""
        unknown = [e for e in entries if told_by(e) is None and e.path not in self._lists]
        if unknown:
            where = {entry.path: self.lake.location(self.commit_id, entry) for entry in unknown}
            found = looked_at(self.lake, sorted(set(where.values())))
            self._lists |= {path: found[location] for path, location in where.items()}
        return [self._lists[e.path] if (said := told_by(e)) is None else said for e in entries]

    def _look_up(self, source: Source) -> Files:
        if not source.compacted:
            found = self.lake.entries(self.commit_id, source.prefix)
            return Files((), tuple(e for e in found if e.path.endswith(".parquet")), ())
        changes = self.changes(source)
        compacted = () if self.base is None else tuple(self.lake.entries(self.commit_id, source.tables_prefix))
        return Files(
            compacted,
            tuple(change.after for change in changes if change.after is not None),
            tuple(change.path for change in changes if change.before is not None) if compacted else (),
        )


def seal_of(tables: Mapping[str, str]) -> str:
    """One digest over path and digest of all compacted files but the facts table, which carries it."""
    lines = sorted(f"{path} {digest}\n" for path, digest in tables.items() if path != FACTS_PATH)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
