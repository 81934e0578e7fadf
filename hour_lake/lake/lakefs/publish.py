"""Publishing: a merge into the target that the server makes whole or not at all, and an outcome that is known.

                 ours, committed          brought up to the head, if it moved
staging  base ----o---------------------------o
         /                                   / \\   squashed: one commit with our message, metadata and attempt
target  o--------------o--------------------o---P
                       somebody else's

The server's three-way merge is the compare-and-swap, path by path: whoever moves the target after we looked is kept,
and a path that both changed is refused, so that we look again. What is staged has all that we saw of the target: what
the server does where both sides wrote the same content does not matter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Commit, Entry, Fence, Metadata
from hour_lake.lake.lakefs.changes import changed_paths, differences
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.commits import ATTEMPT, CHANGES, Commits, Landed
from hour_lake.lake.lakefs.entries import Entries, alike, texts_for
from hour_lake.lake.lakefs.failures import CLASH, REFUSED
from hour_lake.lake.lakefs.patience import Patience
from hour_lake.lake.lakefs.refs import Refs
from hour_lake.lake.lakefs.staging import Staging
from hour_lake.lake.lakefs.transfer import Transfer

PATHS_NAMED = 5


@dataclass(frozen=True)
class Store:
    """The parts of one lake on a server, joined."""

    client: Client
    commits: Commits
    entries: Entries
    transfer: Transfer
    staging: Staging
    refs: Refs


@dataclass(frozen=True)
class Intent:
    """Where something is to be published, and by whom."""

    branch: str
    metadata: Metadata
    message: str
    attempt: str
    fence: Fence | None
    may_have_landed: bool  # the attempt's id was given: it may be known to the log


@dataclass(frozen=True)
class Proposal:
    """A commit that can be merged into the target, and what the target will then have."""

    source: str
    paths: Mapping[str, Entry | None]  # every path that may come out changed
    squash: bool
    tree: str | None = None  # a commit with just what comes out if the target has not moved
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


def publish(store: Store, intent: Intent, changes: str, propose: Callable[[str], Proposal | str]) -> str:
    """Merge what `propose` makes for a head of the target; the commit's id, or that which has it all already.

    Either it has landed, or an error says that it has not; COMMIT_UNKNOWN if the server can neither merge nor tell. The
    fence is asked after all other work. `changes` is the sha256 of what is wanted: an attempt that landed before is not
    repeated (ATTEMPT_REUSED if it was about something else).
    """
    patience = Patience(store.client.options.patience_seconds)
    while True:
        head = store.refs.head(intent.branch)
        landed = store.commits.landed(intent.attempt, head) if intent.may_have_landed else None
        if landed is not None:
            return _landed_before(intent, landed, changes)
        proposal = propose(head)
        if isinstance(proposal, str):
            return proposal
        if intent.fence is not None:
            intent.fence()
        try:
            published = store.client.settle(
                lambda made=proposal: _merged(store, intent, changes, made),
                lambda seen=head: _found(store, intent, seen),
            )
        except LakeError as error:
            if error.code not in (CLASH, REFUSED):
                raise
            _check_moved(store, intent, head, error)
            if not patience.wait():
                raise LakeError("CONFLICT", f"{intent.branch} kept moving while this was published", value=error.value,
                                where=intent.branch, fix="run again") from error  # fmt: skip
            continue
        landed = store.commits.landed_since(head, intent.attempt, published)
        if landed is not None:
            _check_outcome(store, landed.commit, head, proposal)
            return landed.commit.id


def _merged(store: Store, intent: Intent, changes: str, proposal: Proposal) -> str:
    return merge_once(
        store, proposal.source, intent.branch, message=intent.message, squash=proposal.squash,
        metadata={**intent.metadata, **proposal.metadata, ATTEMPT: intent.attempt, CHANGES: changes},
    )  # fmt: skip


def merge_once(
    store: Store, source: str, into: str, *, message: str, metadata: Mapping[str, str], squash: bool = False,
    strategy: str | None = None,
) -> str:  # fmt: skip
    """One merge by the server; a refusal has the codes of `failures`."""
    from lakefs_sdk.models.merge import Merge

    how = Merge(
        message=message or "no message", metadata=dict(metadata), squash_merge=squash, strategy=strategy,
        allow_empty=not squash,
    )  # fmt: skip
    told = store.client.ask(
        lambda api: api.refs_api.merge_into_branch(store.client.repository, source, into, how), where=into, once=True
    )
    return told.reference


def _found(store: Store, intent: Intent, seen: str) -> str | None:
    """Whether the merge whose answer was lost has landed, by the log of the target since the head that was seen."""
    landed = store.commits.landed_since(seen, intent.attempt, store.refs.head(intent.branch))
    return landed and landed.commit.id


def _landed_before(intent: Intent, landed: Landed, changes: str) -> str:
    if landed.changes != changes:
        raise LakeError("ATTEMPT_REUSED", "this attempt has published other changes before", value=intent.attempt,
                        where=landed.commit.id, fix="give each attempt an id of its own")  # fmt: skip
    return landed.commit.id


def _check_moved(store: Store, intent: Intent, head: str, error: LakeError) -> None:
    """A merge into a target that stands where it stood was refused for another reason; BRANCH_BUSY is a common one."""
    if store.refs.head(intent.branch) == head:
        store.refs.check_committed(intent.branch)
        raise error


def _check_outcome(store: Store, published: Commit, head: str, proposal: Proposal) -> None:
    """INTEGRITY if the target did not get what was wanted: then it has to be looked at, and taken back by hand."""
    parent = published.parents[0]
    if parent == head and proposal.tree is not None:
        wrong = list(islice(changed_paths(store.client, proposal.tree, published.id), PATHS_NAMED))
    else:
        wrong = unlike(store, parent, published.id, proposal.paths)
    if wrong:
        raise LakeError("INTEGRITY", "a published commit is not what was wanted", value=", ".join(wrong[:PATHS_NAMED]),
                        where=published.id, fix="compare it with its parent, and take it back")  # fmt: skip


def unlike(store: Store, before: str, after: str, wanted: Mapping[str, Entry | None]) -> list[str]:
    """Paths changed between two commits that were not to change, or that did not become what was wanted."""
    wrong, unsaid = list[str](), list[str]()
    for difference in differences(store.client, before, after):
        path, new = difference.path, wanted.get(difference.path)
        if path not in wanted:
            wrong.append(path)
        elif new is None or difference.said != texts_for(new):
            unsaid.append(path)
    found = store.entries.at(after, unsaid)
    return wrong + [path for path in unsaid if not _is(found.get(path), wanted[path])]


def _is(found: Entry | None, wanted: Entry | None) -> bool:
    """Of what is imported only the path is known before."""
    if wanted is not None and wanted.digest == "":
        return found is not None
    return alike(found, wanted)
