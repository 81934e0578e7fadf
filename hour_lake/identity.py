"""Names and the time grid: what a video and a segment are called, and which instants a cut may use.

The grid is 25 frames a second, 40 ms a frame. A bound on it is a whole frame and, at 16 kHz and 48 kHz, a whole sample:

    segment [3.00 s, 3.12 s)   frames 75 76 77           16 kHz samples 48,000 ... 49,919
                               |  |  |  |                (3 frames = 120 ms = 1,920 samples of 16 kHz)
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from hour_lake.errors import ManifestError

FRAME_RATE = 25
FRAME_MS = 40
VIDEO_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SEGMENT_ID = re.compile(rf"({VIDEO_ID.pattern})_([0-9]{{8}})_([0-9]{{8}})")
RAW_ID_LIMIT = 200


@dataclass(frozen=True, order=True)
class Segment:
    """The section `[start_ms, stop_ms)` of one video, on the 40 ms grid.

    `Segment("bob", 0, 3000).id == "bob_00000000_00003000"`
    """

    video_id: str
    start_ms: int
    stop_ms: int

    def __post_init__(self) -> None:
        if not VIDEO_ID.fullmatch(self.video_id):
            raise ValueError(f"video id {self.video_id!r} does not match {VIDEO_ID.pattern}")
        if self.start_ms % FRAME_MS or self.stop_ms % FRAME_MS or not 0 <= self.start_ms < self.stop_ms < 10**8:
            raise ValueError(f"[{self.start_ms}, {self.stop_ms}) ms is not a range on the {FRAME_MS} ms grid")

    @cached_property
    def id(self) -> str:
        """`{video_id}_{start_ms:08d}_{stop_ms:08d}`, the Dagster partition key."""
        return f"{self.video_id}_{self.start_ms:08d}_{self.stop_ms:08d}"

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds, a multiple of 40."""
        return self.stop_ms - self.start_ms

    @property
    def frames(self) -> int:
        """Number of frames of the clip: duration x 25, exactly."""
        return self.duration_ms // FRAME_MS

    def samples(self, rate_hz: int) -> int:
        """Number of samples at a rate that has a whole number of samples a frame (16,000 and 48,000 do)."""
        if rate_hz % FRAME_RATE:
            raise ValueError(f"{rate_hz} Hz has no whole number of samples in {FRAME_MS} ms")
        return self.frames * rate_hz // FRAME_RATE


def parse_segment_id(segment_id: str) -> Segment:
    """The segment that an id names; `ValueError` for anything else."""
    match = SEGMENT_ID.fullmatch(segment_id)
    if match is None:
        raise ValueError(f"{segment_id!r} is not a segment id like bob_00000000_00003000")
    return Segment(match[1], int(match[2]), int(match[3]))


def video_id_from(raw: str, *, where: str) -> str:
    """A video id for the id (or the pointer's stem) that a manifest gives; the raw text stays a column of its own.

    A text that fits the grammar is its own id. Others become a readable slug plus 8 hex digits of the text's sha256, so
    that two texts which differ never share an id. Texts that no one can have meant are refused with ID_INVALID: empty,
    path-like, with control or direction characters, over 200 characters, or not in Unicode's composed form (NFC).
    """
    if VIDEO_ID.fullmatch(raw):
        return raw
    problem = _problem_of(raw)
    if problem:
        raise ManifestError("ID_INVALID", problem, value=raw, where=where,
                            fix="use letters, digits, '-' and '_', at most 64")  # fmt: skip
    return f"{_slug(raw)}-{hashlib.sha256(raw.encode()).hexdigest()[:8]}"


def derived_video_id(source: str) -> str:
    """A video id for a pointer that came without one: its file name, and 8 hex digits of the whole pointer."""
    name = source.partition("?")[0].rstrip("/").rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return f"{_slug(stem)}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"


def _slug(raw: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:40].strip("-") or "v"


def _problem_of(raw: str) -> str | None:
    if not raw.strip():
        return "the id is empty"
    if len(raw) > RAW_ID_LIMIT:
        return f"the id has {len(raw)} characters; at most {RAW_ID_LIMIT} are taken"
    if raw in {".", ".."} or any(c in raw for c in "/\\,"):
        return "the id looks like a path or a list"
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for c in raw):
        return "the id has control or direction characters"
    if unicodedata.normalize("NFC", raw) != raw:
        return "the id is not in composed Unicode form (NFC), so it has a twin that looks the same"
    return None
