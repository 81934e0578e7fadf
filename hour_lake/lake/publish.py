"""Publishing: one compare-and-swap of a branch, with an outcome that is known even when the answer is lost."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hour_lake.errors import LakeError
from hour_lake.lake.certain import write
from hour_lake.lake.commits import Commits, Stored
from hour_lake.lake.database import Database
from hour_lake.lake.failpoints import reached
from hour_lake.lake.interface import Fence, Metadata
from hour_lake.lake.metadata import MetadataBlocks
from hour_lake.lake.node import Item
from hour_lake.lake.nodes import Nodes, Ref
from hour_lake.lake.objects import Objects
from hour_lake.lake.refs import Refs


@dataclass(frozen=True)
class Store:
    """The parts of one embedded lake, joined."""

    database: Database
    nodes: Nodes
    blocks: MetadataBlocks
    commits: Commits
    refs: Refs
    objects: Objects


@dataclass(frozen=True)
class Intent:
    """Where something is to be published, and by whom."""

    branch: str
    metadata: Metadata
    message: str
    attempt: str
    fence: Fence | None


class Built(NamedTuple):
    """A tree that is ready to be published, and the commits it follows."""

    root: Ref
    parents: Sequence[str]


def publish(store: Store, intent: Intent, changes: bytes, build: Callable[[Stored], Built | None]) -> str:
    """Build a tree on the head and move the branch to it; the commit's id, or the head's if there is nothing to build.

    Either it has landed, or an error says that it has not; COMMIT_UNKNOWN if the store can neither commit nor tell.
    The fence is asked with the write lock held, after all other work: what it allows is published next.
    `changes` is the sha256 of what is wanted: an attempt that landed before is not repeated (ATTEMPT_REUSED if it was
    about something else).
    """
    reached("publish.begun")
    return write(
        store.database, lambda: _swap(store, intent, changes, build),
        landed=lambda _: store.commits.by_attempt(intent.attempt) is not None, what=intent.attempt,
    )  # fmt: skip


def _swap(store: Store, intent: Intent, changes: bytes, build: Callable[[Stored], Built | None]) -> str:
    landed = store.commits.by_attempt(intent.attempt)
    if landed is not None:
        reached("publish.landed_before")
        return _landed_before(intent, landed, changes)
    reached("publish.locked")
    head = store.commits.get(store.refs.head(intent.branch))
    built = build(head)
    reached("publish.built")
    if built is None:
        return head.commit.id
    if intent.fence is not None:
        intent.fence()
    reached("publish.fence_passed")
    commit_id = store.commits.append(
        built.root, built.parents, branch=intent.branch, attempt=intent.attempt, changes=changes,
        message=intent.message, metadata=intent.metadata, created_ms=time.time_ns() // 1_000_000,
    )  # fmt: skip
    reached("publish.commit_written")
    store.refs.move(intent.branch, before=head.commit.id, after=commit_id)
    reached("publish.moved")
    return commit_id


def _landed_before(intent: Intent, landed: Stored, changes: bytes) -> str:
    if landed.changes != changes:
        raise LakeError("ATTEMPT_REUSED", "this attempt has published other changes before", value=intent.attempt,
                        where=landed.commit.id, fix="give each attempt an id of its own")  # fmt: skip
    return landed.commit.id


def clashing(
    there: Mapping[bytes, Item], before: Mapping[bytes, Item], wanted: Mapping[bytes, bytes | None]
) -> list[str]:
    """Paths that stand neither where the change began nor where it leads: somebody else changed them differently."""
    return [
        key.decode()
        for key, value in wanted.items()
        if value_of(there.get(key)) not in (value_of(before.get(key)), value)
    ]


def value_of(item: Item | None) -> bytes | None:
    """What a leaf says of a key; None where it is not there."""
    return None if item is None else item.value
