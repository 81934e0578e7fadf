"""What a worker process does to make a clip and its sound: plain tasks in, facts out, files in a scratch folder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from hour_lake.errors import SourceError
from hour_lake.identity import Segment
from hour_lake.manifests.fetch import file_signature
from hour_lake.media.cut import ClipFacts, cut
from hour_lake.media.sound import SoundFacts, extract_audio
from hour_lake.settings import Limits


@dataclass(frozen=True)
class CutTask:
    """Cut one segment out of a raw video that must still be the file that was scanned."""

    segment: Segment
    source: str
    signature: str
    destination: str
    limits: Limits


@dataclass(frozen=True)
class SoundTask:
    """Take the sound of a clip apart from it."""

    clip: str
    samples: str
    master: str


@dataclass(frozen=True)
class Cut:
    """What came of a task, and how long it took."""

    facts: ClipFacts | SoundFacts
    seconds: float

    def shown(self) -> dict[str, Any]:
        """For the UI."""
        return {**asdict(self.facts), "seconds": round(self.seconds, 3)}


def cut_task(task: CutTask) -> Cut:
    """Make the clip; SOURCE_MISSING or SOURCE_CHANGED when the raw file is not what it was."""
    source = Path(task.source)
    if not source.is_file():
        raise SourceError(
            "SOURCE_MISSING",
            "the raw video is gone",
            where=task.source,
            fix="put it back, or take it out of the manifest",
        )
    if file_signature(source) != task.signature:
        raise SourceError(
            "SOURCE_CHANGED", "the raw video changed after it was scanned", value=file_signature(source),
            where=task.source, fix="run `hour-lake ingest` with its manifest again",
        )  # fmt: skip
    started = perf_counter()
    facts = cut(source, task.segment, Path(task.destination), task.limits)
    return Cut(facts, perf_counter() - started)


def sound_task(task: SoundTask) -> Cut:
    """Write the 16 kHz and the 48 kHz file."""
    started = perf_counter()
    facts = extract_audio(Path(task.clip), Path(task.samples), Path(task.master))
    return Cut(facts, perf_counter() - started)
