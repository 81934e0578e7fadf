"""Where a project stands: every step of every segment, counted, with the reasons."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from hour_lake.ledger.check import Check, check_all
from hour_lake.ledger.corpus import CorpusCheck, corpus_checks
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.overrides import Keywords, pinned_keywords
from hour_lake.ledger.plans import all_segments
from hour_lake.ledger.project import Project
from hour_lake.passes.declare import CORPUS


@dataclass(frozen=True)
class Row:
    """The states of one asset over the segments."""

    asset: str
    fresh: int
    missing: int
    stale: int
    failed: int
    blocked: int
    why: str


@dataclass(frozen=True)
class Status:
    """The states of all assets at one commit; `open` are the outputs that are not fresh."""

    commit: str
    segments: int
    rows: list[Row]
    open: list[Check]
    corpus: list[CorpusCheck]  # layers over the whole corpus
    pinned: Keywords = field(default_factory=dict[str, dict[str, Any]])  # layers' keywords that this ref pins

    @staticmethod
    def of(project: Project, *, ref: str | None = None, pattern: str = "*", assets: set[str] | None = None) -> "Status":
        """Look at every step of every segment that a pattern names."""
        commit = project.lake.resolve(ref or project.settings.branch)
        project = project.at(commit)
        segments = all_segments(project.lake, commit, pattern)
        ledger = Ledger(project.lake, commit)
        for folder in ("segments/", "audio/", "layers/", "flags/", "quarantine/", "videos/"):
            ledger.preload(folder)
        steps = list(project.steps.values())
        checks = [c for c in check_all(steps, segments, ledger) if assets is None or c.step.name in assets]
        rows = [_row(name, [c for c in checks if c.step.name == name]) for name in project.steps
                if assets is None or name in assets]  # fmt: skip
        corpus = [c for c in corpus_checks(project, commit) if assets is None or c.layer.name in assets]
        rows += [_corpus_row(c, len(segments)) for c in corpus]
        pinned = pinned_keywords(project.lake, commit)
        return Status(commit, len(segments), rows, [c for c in checks if c.state != "fresh"], corpus, pinned)

    @property
    def to_do(self) -> list[Check]:
        """What a run would work on."""
        return [c for c in self.open if c.to_do]

    @property
    def corpus_to_do(self) -> list[str]:
        """Layers over the whole corpus that a run would make; any of them may also follow from what else is made."""
        return [c.layer.name for c in self.corpus if c.to_do]

    def sentence(self) -> str:
        """One line."""
        todo, failed = len(self.to_do) + len(self.corpus_to_do), sum(row.failed for row in self.rows)
        state = "nothing is stale" if not todo else f"{todo} outputs to make"
        return f"{self.segments} segments at {self.commit[:12]}: {state}" + (
            f", {failed} failed for good" if failed else ""
        )

    def as_dict(self, *, details: bool = False) -> dict[str, Any]:
        """For `--json`."""
        found: dict[str, Any] = {
            "commit": self.commit, "segments": self.segments, "to_do": len(self.to_do) + len(self.corpus_to_do),
            "assets": [asdict(row) for row in self.rows], "pinned": self.pinned,
        }  # fmt: skip
        if details:
            found["open"] = [
                {"asset": c.step.name, "segment": c.segment.id, "state": c.state, "why": c.why} for c in self.open
            ] + [
                {"asset": c.layer.name, "segment": CORPUS, "state": c.state, "why": c.why}
                for c in self.corpus if c.state != "fresh"
            ]  # fmt: skip
        return found


def _corpus_row(found: CorpusCheck, segments: int) -> Row:
    """One state holds for all segments."""
    states = Counter({found.state: segments})
    return Row(found.layer.name, states["fresh"], states["missing"], states["stale"], states["failed"],
               states["blocked"], found.why)  # fmt: skip


def _row(asset: str, checks: list[Check]) -> Row:
    states = Counter(c.state for c in checks)
    reasons = Counter(c.why for c in checks if c.state != "fresh" and c.why)
    why = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(3))
    return Row(asset, states["fresh"], states["missing"], states["stale"], states["failed"], states["blocked"], why)
