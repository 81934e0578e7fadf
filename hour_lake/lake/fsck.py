"""Checking a lake: every digest of every commit, node, metadata block and object, and every ref."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hour_lake.errors import LakeError
from hour_lake.lake.damage import Damage, Piece
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.objects import Objects, digest_of
from hour_lake.lake.refs import MAIN
from hour_lake.lake.repair import restore_refs, take_back
from hour_lake.lake.survey import Survey, survey
from hour_lake.lake.sweep import sliced
from hour_lake.threads import Threads

OBJECTS_AT_ONCE = 1_000
SHOWN_LINES = 20


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it was stored, and what it concerns."""

    code: str  # INTEGRITY for objects, STORE_CORRUPT for what the database holds
    message: str
    value: str  # digest, node or block number, commit id or name of a ref
    paths: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()  # branches and tags whose own commit shows it
    datasets: tuple[str, ...] = ()  # `talks@v3`


@dataclass(frozen=True)
class Checked:
    """What was looked at and what was found."""

    problems: tuple[Problem, ...]
    repaired: tuple[str, ...]  # a sentence each; what was repaired is still listed under `problems`
    commits: int
    nodes: int
    metadata_blocks: int
    objects: int
    object_bytes: int
    staging_folders: int  # leftovers of killed writers
    whole_refs: tuple[str, ...]  # branches and tags of which everything can be read


def check(lake: EmbeddedLake, *, quick: bool = False, repair: bool = False) -> Checked:
    """Verify the whole lake; with `quick` only sizes of objects are looked at, not their bytes.

    `repair` restores lost refs, takes sound objects back from leftovers, and moves damaged ones to `damaged/`, so that
    storing the same bytes again mends them. A database that cannot be read in parts is named, and the rest is checked.
    Run it with no collection beside it: what one removes meanwhile looks missing.
    """
    store = lake.store
    staging = len(list(lake.staging.dead()))
    problems = _database_problems(lake, quick=quick)
    refs = _read_refs(lake)
    found = survey(store)
    problems += [Problem("STORE_CORRUPT", message, "commits") for message in found.bad_commits]
    problems += (ref_problems := list(_ref_problems(refs, found)))
    bad_objects = _bad_objects(store.objects, found.objects, quick=quick)
    damage = Damage(store, found, set(bad_objects), refs.there if refs else {})
    problems += _damage_problems(damage, found, bad_objects)
    whole = [name for name in sorted(damage.refs) if damage.whole(name) and _is_found(lake, name)]
    repaired: list[str] = []
    if repair:
        repaired += restore_refs(lake, found) if refs and ref_problems else []
        repaired += take_back(lake, bad_objects)
    return Checked(
        tuple(problems), tuple(repaired), len(found.commits), len(found.nodes), len(found.blocks), len(found.objects),
        sum(found.objects.values()), staging, tuple(whole),
    )  # fmt: skip


def _is_found(lake: EmbeddedLake, name: str) -> bool:
    """Whether the way to a ref's commit, over the indexes, can be gone."""
    try:
        lake.store.commits.read(lake.resolve(name))
    except LakeError:
        return False
    return True


def _database_problems(lake: EmbeddedLake, *, quick: bool) -> list[Problem]:
    """What SQLite says of its own file."""
    try:
        lines = [line for (line,) in lake.store.database.rows(f"PRAGMA {'quick' if quick else 'integrity'}_check")]
    except LakeError as error:
        lines = [str(error.value or error.message)]
    return [Problem("STORE_CORRUPT", "the database is damaged", line) for line in lines[:SHOWN_LINES] if line != "ok"]


class _Refs(NamedTuple):
    """Branches and tags at one moment: as they stand, and as the log says that they must."""

    there: Mapping[str, str]
    heads: Mapping[str, str]  # by the log
    damaged_records: Sequence[int]


def _read_refs(lake: EmbeddedLake) -> _Refs | None:
    """None where they cannot be read. Nobody publishes meanwhile, so that both sides are of one moment."""
    refs = lake.store.refs
    try:
        with lake.store.database.writing():
            standing, damaged = refs.log.standing()
            heads = {name: refs.log.candidates(made)[0] for name, made in standing.items()}
            return _Refs({**refs.all("branch"), **refs.all("tag")}, heads, damaged)
    except LakeError as error:
        if error.code != "STORE_CORRUPT":
            raise
        return None


def _ref_problems(refs: _Refs | None, found: Survey) -> Iterator[Problem]:
    if refs is None:
        yield Problem("STORE_CORRUPT", "the branches and tags cannot be read", "refs")
        return
    for row in refs.damaged_records:
        yield Problem("STORE_CORRUPT", "a record of the log of refs is altered", str(row))
    for name in ({MAIN} | refs.heads.keys()) - refs.there.keys():
        yield Problem("STORE_CORRUPT", "a branch or tag is lost", name)
    for name, at in refs.there.items():
        if at not in found.commits:
            yield Problem("STORE_CORRUPT", "it stands at a commit that is not there", str(name), refs=(str(name),))
        elif name not in refs.heads:
            yield Problem("STORE_CORRUPT", "nobody has made a branch or tag of this name", str(name))
        elif refs.heads[name] != at:
            yield Problem("STORE_CORRUPT", "it does not stand where it was published last", str(name))


def _bad_objects(objects: Objects, wanted: Mapping[bytes, int], *, quick: bool) -> dict[bytes, str]:
    """Digests of objects that are not what they must be, and what is wrong with each."""

    def look(one: tuple[bytes, int]) -> str | None:
        digest, size_bytes = one[0].hex(), one[1]
        try:
            if objects.size_bytes(digest) != size_bytes:
                return "an object is missing" if objects.size_bytes(digest) is None else "an object has another size"
            return None if quick or digest_of(objects.path(digest)) == digest else "an object is altered"
        except OSError as error:
            return f"an object cannot be read: {error.strerror}"

    bad: dict[bytes, str] = {}
    with Threads(os.cpu_count() or 1) as threads:
        for some in sliced(wanted.items(), OBJECTS_AT_ONCE):
            looked = zip(some, threads.map(look, some), strict=True)
            bad.update({digest: problem for (digest, _), problem in looked if problem})
    return bad


def _damage_problems(damage: Damage, found: Survey, bad_objects: Mapping[bytes, str]) -> Iterator[Problem]:
    for digest, problem in bad_objects.items():
        yield Problem("INTEGRITY", problem, digest.hex(), *damage.concerned(Piece("object", digest)))
    for ref in found.bad_nodes:
        yield Problem("STORE_CORRUPT", "a node of the tree is missing or altered", f"node {ref.row}",
                      *damage.concerned(Piece("node", ref)))  # fmt: skip
    for block in {hint >> 16 for hint, _ in found.bad_texts}:
        yield Problem("STORE_CORRUPT", "metadata of entries is missing or altered", f"metadata {block}",
                      *damage.concerned(Piece("metadata", block)))  # fmt: skip
