"""Three-way merge: what a source changed since it parted is laid on another branch.

The server merges by itself where the two sides changed different paths. Where they changed some alike, or where what is
derived is to stay as it was, the result is made on a staging branch first, and looked at before it is published.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from hour_lake.lake.interface import Entry
from hour_lake.lake.lakefs.changes import changed_paths
from hour_lake.lake.lakefs.commits import SOURCE
from hour_lake.lake.lakefs.entries import alike
from hour_lake.lake.lakefs.publish import Intent, Proposal, Store, publish
from hour_lake.lake.lakefs.rebase import Staged
from hour_lake.lake.merge import conflict


class Laid(NamedTuple):
    """What a merge makes of the target's head."""

    taken: Mapping[str, Entry | None]  # paths that become what the source has
    kept: Mapping[str, Entry | None]  # paths that the source changed and that stay as the head has them
    met: bool  # whether both sides changed a path


def merge(store: Store, source: str, intent: Intent, leave: Sequence[str]) -> str:
    """Merge a commit into the branch of `intent`; the new commit, or the head if it has everything already."""

    def propose(_: str) -> Proposal | str:
        parted = store.client.ask(
            lambda api: api.refs_api.find_merge_base(store.client.repository, source, intent.branch),
            where=intent.branch,
        )
        head = parted.destination_commit_id  # of the same moment as the base
        if parted.base_commit_id == source:
            return head
        laid = _laid(store, parted.base_commit_id, source, head, tuple(leave))
        if not laid.kept and not laid.met:
            return Proposal(source, laid.taken, squash=False)
        branch = opened.enter_context(store.staging.open(intent.branch, intent.attempt, head))
        return _staged(Staged(store, branch, head), source, laid)

    wanted = hashlib.sha256(f"merge {source}".encode()).hexdigest()
    with ExitStack() as opened:
        return publish(store, intent, wanted, propose)


def _laid(store: Store, base: str, source: str, head: str, leave: tuple[str, ...]) -> Laid:
    """MERGE_CONFLICT names the paths that both sides changed differently."""
    theirs = list(changed_paths(store.client, base, source))
    ours = set(changed_paths(store.client, base, head))
    kept = [path for path in theirs if leave and ours and path.startswith(leave)]
    taken = [path for path in theirs if not (leave and ours and path.startswith(leave))]
    both = [path for path in taken if path in ours]
    new, now = store.entries.at(source, taken), store.entries.at(head, sorted([*both, *kept]))
    old = store.entries.at(base, both)
    stays = {path for path in both if alike(old.get(path), new.get(path))}
    clash = [
        path for path in both
        if path not in stays and not alike(now.get(path), new.get(path)) and not alike(now.get(path), old.get(path))
    ]  # fmt: skip
    if clash:
        raise conflict(clash, base=base, source=source, head=head)
    return Laid(
        {path: new.get(path) for path in taken if path not in stays},
        {path: now.get(path) for path in [*kept, *stays]},
        bool(both),
    )


def _staged(staged: Staged, source: str, laid: Laid) -> Proposal:
    """The result on a branch of its own: where the server kept the wrong side's, that path is put right."""
    staged.take_in(source)
    wanted = dict(sorted({**laid.taken, **laid.kept}.items()))
    found = staged.store.entries.at(staged.tip, list(wanted))
    wrong = [path for path, new in wanted.items() if not alike(found.get(path), new)]
    for path in wrong:
        if wanted[path] is not None:
            staged.copy(path, source if path in laid.taken else staged.base)
    staged.delete([path for path in wrong if wanted[path] is None])
    if wrong:
        staged.commit()
    staged.check(staged.base, wanted)
    return Proposal(staged.tip, wanted, squash=False, tree=staged.tip, metadata={SOURCE: source})
