"""What differs between two commits, as the server finds it, with the entries of both sides."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from hour_lake.lake.diff import change_of
from hour_lake.lake.interface import Change
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.entries import Entries, alike, askable, ours
from hour_lake.lake.lakefs.pages import PAGE, paged


class Difference(NamedTuple):
    """One path that the server finds to differ."""

    path: str
    said: dict[str, str] | None  # our user metadata of the object that is there afterwards, where the server tells it


def differences(client: Client, before: str, after: str, prefix: str = "") -> Iterator[Difference]:
    """What the server finds to differ, in path order; it may count a path whose bytes were only stored again."""
    if before == after or not askable(prefix):
        return iter(())
    told = paged(
        lambda offset, amount: client.ask(
            lambda api: api.refs_api.diff_refs(
                client.repository,
                before,
                after,
                after=offset,
                amount=amount,
                prefix=prefix,
                type="two_dot",
                include_right_stats=True,
            ),  # fmt: skip
            where=f"{before}..{after}",
        )
    )
    return (Difference(diff.path, ours(diff.right.metadata if diff.right else None)) for diff in told)


def changed_paths(client: Client, before: str, after: str, prefix: str = "") -> Iterator[str]:
    """Paths that the server finds to differ."""
    return (difference.path for difference in differences(client, before, after, prefix))


def changes(client: Client, entries: Entries, before: str, after: str, prefix: str) -> Iterator[Change]:
    """Changes in path order, read by pages; where both sides say the same nothing has changed."""
    paths = changed_paths(client, before, after, prefix)
    while page := list(islice(paths, PAGE)):
        old, new = entries.at(before, page), entries.at(after, page)
        for path in page:
            if not alike(old.get(path), new.get(path)):
                yield change_of(old.get(path), new.get(path))
