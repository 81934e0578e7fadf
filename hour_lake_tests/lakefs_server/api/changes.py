"""Differences as the API says them: the model `Diff`, in pages, grouped by a delimiter."""

from collections.abc import Collection, Iterable
from typing import Any

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.pagination import grouped, page
from hour_lake_tests.lakefs_server.trees import Difference


def difference_page(changes: Iterable[Difference], call: Call, conflicts: Collection[str] = ()) -> dict[str, Any]:
    """A page of changes below the `prefix` of the request; paths among `conflicts` are named so."""
    with_stats = call.flag("include_right_stats")
    rows = [(change.path, _as_json(change, change.path in conflicts, with_stats)) for change in changes]
    return page(grouped(rows, call.query("prefix"), call.query("delimiter"), _as_group), call)


def _as_json(change: Difference, is_conflict: bool, with_stats: bool) -> dict[str, Any]:
    _, before, after = change
    kind = "conflict" if is_conflict else "added" if before is None else "changed" if after else "removed"
    there = after or before
    assert there is not None
    found: dict[str, Any] = {"type": kind, "path": change.path, "path_type": "object", "size_bytes": there.size_bytes}
    if with_stats and after is not None:
        found["right"] = {"checksum": after.checksum, "mtime": after.mtime, "content_type": after.content_type,
                          "metadata": dict(after.user_metadata)}  # fmt: skip
    return found


def _as_group(prefix: str) -> dict[str, Any]:
    return {"type": "prefix_changed", "path": prefix, "path_type": "common_prefix"}
