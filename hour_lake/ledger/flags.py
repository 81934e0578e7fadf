"""Which flags are behind: a gate may ask a layer over the whole corpus, which is made after the flags of a segment."""

from collections.abc import Iterator

from hour_lake.identity import Segment
from hour_lake.ledger.check import check
from hour_lake.ledger.corpus import corpus_checks
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.plans import all_segments
from hour_lake.ledger.project import Project
from hour_lake.ledger.recipe import made_from

FLAGS = "cleaning_flags"


def flags_behind(project: Project, commit: str) -> Iterator[Segment]:
    """Segments whose flags were made from other rows of a layer over the corpus than are there now.

    `project` is `at` that commit. A layer that is to be made itself does not count: its rows may be others afterwards.
    """
    flags = project.steps[FLAGS]
    if not any(layer.name in flags.reads for layer in project.corpus_layers):
        return
    settled = [found.layer.name for found in corpus_checks(project, commit) if not found.to_do]
    asked = [name for name in settled if name in flags.reads]
    ledger = Ledger(project.lake, commit)
    for folder in ("flags/", *(f"layers/{name}/" for name in asked)):
        ledger.preload(folder)
    for segment in all_segments(project.lake, commit):
        entry = ledger.entry(flags.path(segment))
        if entry is None:
            continue
        now = {name: ledger.entry(flags.input_path(name, segment)) for name in asked}
        behind = any(not made_from(entry, name, found) for name, found in now.items())
        if behind and check(flags, segment, ledger).to_do:  # not what failed with these very rows
            yield segment
