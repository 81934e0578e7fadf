"""A walk over every commit and tree of a lake that notes what is damaged and goes on."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from hour_lake.errors import LakeError
from hour_lake.lake.entries import METADATA_AT, object_of
from hour_lake.lake.node import DIGEST_BYTES
from hour_lake.lake.nodes import EMPTY, Links, Ref
from hour_lake.lake.publish import Store
from hour_lake.lake.salvage import readable_rows

NODES_AT_ONCE = 256
Text = tuple[int, bytes]  # hint and digest of an entry's metadata
COLUMNS = "seq, id, root, body, branch, attempt, changes"


@dataclass(frozen=True)
class Seen:
    """A commit whose body is sound."""

    id: str
    seq: int
    root: Ref
    parents: tuple[str, ...]
    branch: str
    metadata: Mapping[str, str]


@dataclass
class Survey:
    """What there is and what of it is damaged; objects are only listed, their files are looked at by others."""

    commits: dict[str, Seen] = field(default_factory=dict[str, Seen])
    bad_commits: list[str] = field(default_factory=list[str])  # what is wrong, a sentence each
    nodes: dict[int, bytes] = field(default_factory=dict[int, bytes])  # row: digest
    bad_nodes: set[Ref] = field(default_factory=set[Ref])
    blocks: set[int] = field(default_factory=set[int])
    bad_texts: set[Text] = field(default_factory=set[Text])
    objects: dict[bytes, int] = field(default_factory=dict[bytes, int])  # digest: size


def survey(store: Store) -> Survey:
    """Every commit, and every node and metadata block that one of them reaches."""
    found = Survey()
    try:
        _read_commits(store, found)
    except LakeError as error:
        if error.code != "STORE_CORRUPT":
            raise
        found.bad_commits.append(f"{error.message}: {error.value}")
    for seen in found.commits.values():
        _walk(store, found, seen.root)
    return found


def _read_commits(store: Store, found: Survey) -> None:
    lost: list[range] = []
    for row in readable_rows(store.database, "commits", "seq", COLUMNS, lost):
        problem = _problem_of(row)
        if problem:
            found.bad_commits.append(f"commit number {row[0]} ({row[1]!r}): {problem}")
        if problem != ALTERED:
            seq, commit_id, root, body, *_ = row
            facts = json.loads(body)
            found.commits[commit_id] = Seen(
                commit_id, seq, Ref(bytes.fromhex(facts["tree"]), root), tuple(facts["parents"]),
                facts.get("branch", row[4]), facts["metadata"],
            )  # fmt: skip
    found.bad_commits += [f"commits numbered {part.start} to {part.stop - 1} cannot be read" for part in lost]
    for seen in found.commits.values():
        missing = [parent for parent in seen.parents if parent not in found.commits]
        found.bad_commits += [f"commit {seen.id} follows {parent}, which is missing" for parent in missing]


ALTERED = "its body is not what its id says"


def _problem_of(row: tuple[object, ...]) -> str | None:
    """The id is the sha256 of the body, and the body says what the other columns must hold."""
    _, commit_id, _, body, branch, attempt, changes = row
    if not isinstance(body, bytes) or sha256(body).hexdigest() != commit_id:
        return ALTERED
    facts = json.loads(body)
    there = {"attempt": attempt, "branch": branch, "changes": changes.hex() if isinstance(changes, bytes) else changes}
    # The first format did not keep branch and changes in the body.
    wrong = [name for name, value in there.items() if facts.get(name, value) != value]
    return f"its column {wrong[0]} is altered" if wrong else None


def _walk(store: Store, found: Survey, root: Ref) -> None:
    waiting = _new(found, [] if root == EMPTY else [root])
    while waiting:
        batch, waiting = waiting[-NODES_AT_ONCE:], waiting[:-NODES_AT_ONCE]
        wanted: list[Text] = []
        for level, values, hints in _links(store, found, batch):
            if level:
                waiting += _new(found, map(Ref, values, hints))
            else:
                found.objects.update((value[:DIGEST_BYTES], object_of(value)[1]) for value in values)
                wanted += [(hint, value[METADATA_AT:]) for hint, value in zip(hints, values, strict=True)]
        found.blocks.update(hint >> 16 for hint, _ in wanted if hint)
        found.bad_texts |= _bad_texts(store, wanted)


def _new(found: Survey, refs: Iterable[Ref]) -> list[Ref]:
    """A row that is named as something else is read again, and then found to be no such thing."""
    new = [ref for ref in refs if found.nodes.get(ref.row) != ref.digest]
    found.nodes.update((ref.row, ref.digest) for ref in new)
    return new


def _links(store: Store, found: Survey, refs: list[Ref]) -> list[Links]:
    try:
        return store.nodes.links(refs)
    except LakeError as error:
        if error.code != "STORE_CORRUPT":
            raise
    sound: list[Links] = []
    for ref in refs:
        try:
            sound += store.nodes.links([ref])
        except LakeError:
            found.bad_nodes.add(ref)
    return sound


def _bad_texts(store: Store, wanted: list[Text]) -> set[Text]:
    try:
        return store.blocks.damaged(wanted)
    except LakeError as error:  # a page of the database: asked block by block
        if error.code != "STORE_CORRUPT":
            raise
    bad: set[Text] = set()
    for block in {hint >> 16 for hint, _ in wanted}:
        texts = [text for text in wanted if text[0] >> 16 == block]
        try:
            bad |= store.blocks.damaged(texts)
        except LakeError:
            bad.update(texts)
    return bad
