"""What lakeFS keeps of an object under a path: a pointer into the object store, and what was said about it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hour_lake_tests.lakefs_server.settings import SameChange

DEFAULT_CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Record:
    """One version of one object; `mtime` in seconds since 1970."""

    physical_address: str
    checksum: str
    size_bytes: int
    mtime: int
    content_type: str
    user_metadata: Mapping[str, str]

    def as_text(self) -> str:
        """JSON, the same for the same record; `from_text` reads it back."""
        return json.dumps(asdict(self), sort_keys=True)

    def identity(self, same_change: SameChange) -> tuple[Any, ...]:
        """What makes two versions of an object the same; see --same-change."""
        said = (self.checksum, self.size_bytes, self.content_type, tuple(sorted(self.user_metadata.items())))
        return said if same_change == "clean" else (*said, self.physical_address)


def from_text(text: str) -> Record:
    """The record that `as_text` wrote."""
    return Record(**json.loads(text))


def is_same(one: Record | None, other: Record | None, same_change: SameChange) -> bool:
    """Whether nothing changed between two versions; None is an object that is not there."""
    if one is None or other is None:
        return one is other
    return one.identity(same_change) == other.identity(same_change)
