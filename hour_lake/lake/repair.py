"""What a check can mend: refs from the log and the commits, objects from what lies about."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.failpoints import reached
from hour_lake.lake.faults import storage_errors
from hour_lake.lake.folders import sync_folder
from hour_lake.lake.objects import digest_of
from hour_lake.lake.refs import MAIN
from hour_lake.lake.staging import sync_file
from hour_lake.lake.survey import Survey
from hour_lake.lake.sweep import ASIDE

DAMAGED = "damaged"  # beside `objects`: what was moved out of the way


def restore_refs(lake: EmbeddedLake, found: Survey) -> list[str]:
    """Refs that are lost or stand at nothing, put back at the newest whole commit published on them; a sentence each.

    What was deleted stays deleted: the log knows. Where a damaged record may have been the deletion, nothing is put
    back; it is said where the ref would stand.
    """
    database, log = lake.store.database, lake.store.refs.log
    said: list[str] = []
    with database.writing():
        refs = dict(database.rows("SELECT name, commit_id FROM refs"))
        standing, damaged = log.standing()
        for name, made in standing.items():
            whole = next((c for c in log.candidates(made) if _is_whole(found, c)), None)
            if refs.get(name) in found.commits or whole is None:
                continue
            if name not in refs and name != MAIN and any(row > made.row for row in damaged):
                log.record(name, made.kind, None)
                said.append(f"{made.kind} {name} is lost or was deleted; it would stand at {whole}")
                continue
            database.change("INSERT OR REPLACE INTO refs (name, kind, commit_id) VALUES (?, ?, ?)",
                            name, made.kind, whole)  # fmt: skip
            said.append(f"{made.kind} {name} stands at {whole} again")
            said += _drop_misnamed(lake, standing.keys() if not damaged else refs.keys(), whole)
        said += _mend_log(lake, standing.keys(), damaged)
        reached("fsck.refs_restored")
    return said


def _is_whole(found: Survey, commit_id: str) -> bool:
    seen = found.commits.get(commit_id)
    return seen is not None and seen.root not in found.bad_nodes


def _drop_misnamed(lake: EmbeddedLake, made: Collection[str], commit_id: str) -> Iterator[str]:
    """A name that nobody made, at the commit of a ref that was lost: what damage has made of its name."""
    for (name,) in lake.store.database.rows("SELECT name FROM refs WHERE commit_id = ?", commit_id):
        if name not in made:
            lake.store.database.change("DELETE FROM refs WHERE name = ?", name)
            yield f"the name {name!r}, which nobody has made, is gone"


def _mend_log(lake: EmbeddedLake, standing: Collection[str], damaged: Sequence[int]) -> Iterator[str]:
    """Damaged records go; refs that only they knew are recorded again, as made where they stand."""
    database = lake.store.database
    for row in damaged:
        database.change("DELETE FROM ref_log WHERE id = ?", row)
    if damaged:
        for name, kind, commit_id in database.rows("SELECT name, kind, commit_id FROM refs"):
            if name not in standing:
                lake.store.refs.log.record(name, kind, commit_id)
        yield f"{len(damaged)} records of the log of refs written anew"


def take_back(lake: EmbeddedLake, bad_objects: Iterable[bytes]) -> list[str]:
    """Damaged objects moved out of the way, and sound ones of the same digest taken back; a sentence each."""
    said: list[str] = []
    wanted = {digest.hex() for digest in bad_objects}
    with storage_errors(lake.folder):
        for digest in sorted(wanted):
            said += _set_aside(lake, digest)
        for file in _leftovers(lake) if wanted else ():
            digest = digest_of(file)
            if digest in wanted:
                wanted.remove(digest)
                sync_file(file)  # its writer may have been killed before that
                sync_folder(lake.store.objects.adopt(file, digest))
                sync_folder(lake.store.objects.folder)
                said.append(f"object {digest} was found in {file.parent.name} and taken back")
                reached("fsck.object_taken_back")
    return said


def _set_aside(lake: EmbeddedLake, digest: str) -> Iterator[str]:
    path, folder = lake.store.objects.path(digest), lake.folder / DAMAGED
    # Looked at again: whoever has stored the same bytes meanwhile has mended it.
    if path.exists() and digest_of(path) != digest:
        folder.mkdir(exist_ok=True)
        path.replace(folder / digest)
        reached("fsck.object_set_aside")
        yield f"object {digest} was moved to {DAMAGED}, to be made again"


def _leftovers(lake: EmbeddedLake) -> Iterator[Path]:
    """Files of dead transactions, and what a killed collection had set aside."""
    folders = [*lake.staging.dead(), lake.folder / ASIDE]
    return (file for folder in folders if folder.is_dir() for file in folder.iterdir() if file.is_file())
